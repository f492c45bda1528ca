// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// Ops that `decompose` replaces.

// CHECK-LABEL: @softmax(
// CHECK: dlp.softmax ins(%{{.*}} : tensor<3x4xf32>) -> tensor<3x4xf32> {dimension = 1 : i64}
func.func @softmax(%a: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = dlp.softmax ins(%a : tensor<3x4xf32>) -> tensor<3x4xf32> {dimension = 1 : i64}
  func.return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: @softmax_log(
// CHECK: dlp.softmax ins(%{{.*}} : tensor<3x4xf32>) -> tensor<3x4xf32> {dimension = 0 : i64, log}
func.func @softmax_log(%a: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = dlp.softmax ins(%a : tensor<3x4xf32>) -> tensor<3x4xf32> {dimension = 0 : i64, log}
  func.return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: @layer_norm(
// CHECK: dlp.layer_norm ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<3x4xf32> {eps = 1.000000e-05 : f64, has_bias, has_weight, rank = 1 : i64}
func.func @layer_norm(%a: tensor<3x4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<3x4xf32> {
  %0 = dlp.layer_norm ins(%a, %b, %c : tensor<3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<3x4xf32> {eps = 1.000000e-05 : f64, has_bias, has_weight, rank = 1 : i64}
  func.return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: @layer_norm_bare(
// CHECK: dlp.layer_norm ins(%{{.*}} : tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {eps = 1.000000e-05 : f64, rank = 2 : i64}
func.func @layer_norm_bare(%a: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = dlp.layer_norm ins(%a : tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {eps = 1.000000e-05 : f64, rank = 2 : i64}
  func.return %0 : tensor<2x3x4xf32>
}

// CHECK-LABEL: @attention(
// CHECK: dlp.attention ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x4x3x8xf32>, tensor<2x2x5x8xf32>, tensor<2x2x5x6xf32>, tensor<5xf32>) -> tensor<2x4x3x6xf32> {has_mask, scale = 3.000000e-01 : f64}
func.func @attention(%a: tensor<2x4x3x8xf32>, %b: tensor<2x2x5x8xf32>, %c: tensor<2x2x5x6xf32>, %d: tensor<5xf32>) -> tensor<2x4x3x6xf32> {
  %0 = dlp.attention ins(%a, %b, %c, %d : tensor<2x4x3x8xf32>, tensor<2x2x5x8xf32>, tensor<2x2x5x6xf32>, tensor<5xf32>) -> tensor<2x4x3x6xf32> {has_mask, scale = 3.000000e-01 : f64}
  func.return %0 : tensor<2x4x3x6xf32>
}

// CHECK-LABEL: @attention_causal(
// CHECK: dlp.attention ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<3x8xf32>, tensor<3x8xf32>, tensor<3x8xf32>) -> tensor<3x8xf32> {causal, scale = 3.000000e-01 : f64}
func.func @attention_causal(%a: tensor<3x8xf32>, %b: tensor<3x8xf32>, %c: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %0 = dlp.attention ins(%a, %b, %c : tensor<3x8xf32>, tensor<3x8xf32>, tensor<3x8xf32>) -> tensor<3x8xf32> {causal, scale = 3.000000e-01 : f64}
  func.return %0 : tensor<3x8xf32>
}

// CHECK-LABEL: @batch_norm(
// CHECK: dlp.batch_norm ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32> {eps = 1.000000e-05 : f64}
func.func @batch_norm(%a: tensor<2x3x4xf32>, %b: tensor<3xf32>, %c: tensor<3xf32>, %d: tensor<3xf32>, %e: tensor<3xf32>) -> tensor<2x3x4xf32> {
  %0 = dlp.batch_norm ins(%a, %b, %c, %d, %e : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32> {eps = 1.000000e-05 : f64}
  func.return %0 : tensor<2x3x4xf32>
}

// CHECK-LABEL: @conv_transpose(
// CHECK: dlp.conv_transpose ins(%{{.*}}, %{{.*}} : tensor<1x4x5xf32>, tensor<4x3x2xf32>) -> tensor<1x6x9xf32> {dilations = array<i64: 1>, groups = 2 : i64, output_padding = array<i64: 1>, padding = array<i64: 1>, strides = array<i64: 2>}
func.func @conv_transpose(%a: tensor<1x4x5xf32>, %b: tensor<4x3x2xf32>) -> tensor<1x6x9xf32> {
  %0 = dlp.conv_transpose ins(%a, %b : tensor<1x4x5xf32>, tensor<4x3x2xf32>) -> tensor<1x6x9xf32> {dilations = array<i64: 1>, groups = 2 : i64, output_padding = array<i64: 1>, padding = array<i64: 1>, strides = array<i64: 2>}
  func.return %0 : tensor<1x6x9xf32>
}
