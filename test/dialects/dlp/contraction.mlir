// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// Convolution and matrix product, in every layout of their weights.

// CHECK-LABEL: @matmul(
// CHECK: dlp.matmul ins(%{{.*}}, %{{.*}} : tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
func.func @matmul(%a: tensor<3x4xf32>, %b: tensor<4x5xf32>) -> tensor<3x5xf32> {
  %0 = dlp.matmul ins(%a, %b : tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  func.return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: @matmul_batched(
// CHECK: dlp.matmul ins(%{{.*}}, %{{.*}} : tensor<2x1x3x4xf32>, tensor<5x4x2xf32>) -> tensor<2x5x3x2xf32>
func.func @matmul_batched(%a: tensor<2x1x3x4xf32>, %b: tensor<5x4x2xf32>) -> tensor<2x5x3x2xf32> {
  %0 = dlp.matmul ins(%a, %b : tensor<2x1x3x4xf32>, tensor<5x4x2xf32>) -> tensor<2x5x3x2xf32>
  func.return %0 : tensor<2x5x3x2xf32>
}

// CHECK-LABEL: @matmul_i64(
// CHECK: dlp.matmul ins(%{{.*}}, %{{.*}} : tensor<3x4xi64>, tensor<4x5xi64>) -> tensor<3x5xi64>
func.func @matmul_i64(%a: tensor<3x4xi64>, %b: tensor<4x5xi64>) -> tensor<3x5xi64> {
  %0 = dlp.matmul ins(%a, %b : tensor<3x4xi64>, tensor<4x5xi64>) -> tensor<3x5xi64>
  func.return %0 : tensor<3x5xi64>
}

// CHECK-LABEL: @matmul_panels(
// CHECK: dlp.matmul ins(%{{.*}}, %{{.*}} : tensor<3x4xf32>, tensor<2x4x4xf32>) -> tensor<3x6xf32> {panel = 4 : i64}
func.func @matmul_panels(%a: tensor<3x4xf32>, %b: tensor<2x4x4xf32>) -> tensor<3x6xf32> {
  %0 = dlp.matmul ins(%a, %b : tensor<3x4xf32>, tensor<2x4x4xf32>) -> tensor<3x6xf32> {panel = 4 : i64}
  func.return %0 : tensor<3x6xf32>
}

// CHECK-LABEL: @conv(
// CHECK: dlp.conv ins(%{{.*}}, %{{.*}} : tensor<1x5x6x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x3x4x4xf32> {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "channels_last", strides = array<i64: 1, 1>}
func.func @conv(%a: tensor<1x5x6x3xf32>, %b: tensor<3x3x3x4xf32>) -> tensor<1x3x4x4xf32> {
  %0 = dlp.conv ins(%a, %b : tensor<1x5x6x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x3x4x4xf32> {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "channels_last", strides = array<i64: 1, 1>}
  func.return %0 : tensor<1x3x4x4xf32>
}

// CHECK-LABEL: @conv_first(
// CHECK: dlp.conv ins(%{{.*}}, %{{.*}} : tensor<1x3x5x6xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x3x4xf32> {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "channels_first", strides = array<i64: 1, 1>}
func.func @conv_first(%a: tensor<1x3x5x6xf32>, %b: tensor<4x3x3x3xf32>) -> tensor<1x4x3x4xf32> {
  %0 = dlp.conv ins(%a, %b : tensor<1x3x5x6xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x3x4xf32> {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "channels_first", strides = array<i64: 1, 1>}
  func.return %0 : tensor<1x4x3x4xf32>
}

// CHECK-LABEL: @conv_grouped(
// CHECK: dlp.conv ins(%{{.*}}, %{{.*}} : tensor<1x7x7x4xf32>, tensor<3x3x2x6xf32>) -> tensor<1x3x3x6xf32> {dilations = array<i64: 1, 2>, groups = 2 : i64, layout = "channels_last", strides = array<i64: 2, 1>}
func.func @conv_grouped(%a: tensor<1x7x7x4xf32>, %b: tensor<3x3x2x6xf32>) -> tensor<1x3x3x6xf32> {
  %0 = dlp.conv ins(%a, %b : tensor<1x7x7x4xf32>, tensor<3x3x2x6xf32>) -> tensor<1x3x3x6xf32> {dilations = array<i64: 1, 2>, groups = 2 : i64, layout = "channels_last", strides = array<i64: 2, 1>}
  func.return %0 : tensor<1x3x3x6xf32>
}

// CHECK-LABEL: @conv_depthwise(
// CHECK: dlp.conv ins(%{{.*}}, %{{.*}} : tensor<1x5x5x4xf32>, tensor<3x3x1x4xf32>) -> tensor<1x3x3x4xf32> {dilations = array<i64: 1, 1>, groups = 4 : i64, layout = "channels_last", strides = array<i64: 1, 1>}
func.func @conv_depthwise(%a: tensor<1x5x5x4xf32>, %b: tensor<3x3x1x4xf32>) -> tensor<1x3x3x4xf32> {
  %0 = dlp.conv ins(%a, %b : tensor<1x5x5x4xf32>, tensor<3x3x1x4xf32>) -> tensor<1x3x3x4xf32> {dilations = array<i64: 1, 1>, groups = 4 : i64, layout = "channels_last", strides = array<i64: 1, 1>}
  func.return %0 : tensor<1x3x3x4xf32>
}

// CHECK-LABEL: @conv_panels(
// CHECK: dlp.conv ins(%{{.*}}, %{{.*}} : tensor<1x5x6x3xf32>, tensor<2x3x3x3x4xf32>) -> tensor<1x3x4x6xf32> {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "channels_last", panel = 4 : i64, strides = array<i64: 1, 1>}
func.func @conv_panels(%a: tensor<1x5x6x3xf32>, %b: tensor<2x3x3x3x4xf32>) -> tensor<1x3x4x6xf32> {
  %0 = dlp.conv ins(%a, %b : tensor<1x5x6x3xf32>, tensor<2x3x3x3x4xf32>) -> tensor<1x3x4x6xf32> {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "channels_last", panel = 4 : i64, strides = array<i64: 1, 1>}
  func.return %0 : tensor<1x3x4x6xf32>
}

// CHECK-LABEL: @conv_one_d(
// CHECK: dlp.conv ins(%{{.*}}, %{{.*}} : tensor<2x8x3xf32>, tensor<3x3x4xf32>) -> tensor<2x3x4xf32> {dilations = array<i64: 1>, groups = 1 : i64, layout = "channels_last", strides = array<i64: 2>}
func.func @conv_one_d(%a: tensor<2x8x3xf32>, %b: tensor<3x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = dlp.conv ins(%a, %b : tensor<2x8x3xf32>, tensor<3x3x4xf32>) -> tensor<2x3x4xf32> {dilations = array<i64: 1>, groups = 1 : i64, layout = "channels_last", strides = array<i64: 2>}
  func.return %0 : tensor<2x3x4xf32>
}
