// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// Reductions and pools.

// CHECK-LABEL: @sum(
// CHECK: dlp.sum ins(%{{.*}} : tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {dims = array<i64: 0, 2>}
func.func @sum(%a: tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {
  %0 = dlp.sum ins(%a : tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {dims = array<i64: 0, 2>}
  func.return %0 : tensor<1x4x1xf32>
}

// CHECK-LABEL: @prod(
// CHECK: dlp.prod ins(%{{.*}} : tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {dims = array<i64: 0, 2>}
func.func @prod(%a: tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {
  %0 = dlp.prod ins(%a : tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {dims = array<i64: 0, 2>}
  func.return %0 : tensor<1x4x1xf32>
}

// CHECK-LABEL: @max(
// CHECK: dlp.max ins(%{{.*}} : tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {dims = array<i64: 0, 2>}
func.func @max(%a: tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {
  %0 = dlp.max ins(%a : tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {dims = array<i64: 0, 2>}
  func.return %0 : tensor<1x4x1xf32>
}

// CHECK-LABEL: @min(
// CHECK: dlp.min ins(%{{.*}} : tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {dims = array<i64: 0, 2>}
func.func @min(%a: tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {
  %0 = dlp.min ins(%a : tensor<3x4x5xf32>) -> tensor<1x4x1xf32> {dims = array<i64: 0, 2>}
  func.return %0 : tensor<1x4x1xf32>
}

// CHECK-LABEL: @any(
// CHECK: dlp.any ins(%{{.*}} : tensor<3x4xi1>) -> tensor<3x1xi1> {dims = array<i64: 1>}
func.func @any(%a: tensor<3x4xi1>) -> tensor<3x1xi1> {
  %0 = dlp.any ins(%a : tensor<3x4xi1>) -> tensor<3x1xi1> {dims = array<i64: 1>}
  func.return %0 : tensor<3x1xi1>
}

// CHECK-LABEL: @all(
// CHECK: dlp.all ins(%{{.*}} : tensor<3x4xi1>) -> tensor<3x1xi1> {dims = array<i64: 1>}
func.func @all(%a: tensor<3x4xi1>) -> tensor<3x1xi1> {
  %0 = dlp.all ins(%a : tensor<3x4xi1>) -> tensor<3x1xi1> {dims = array<i64: 1>}
  func.return %0 : tensor<3x1xi1>
}

// CHECK-LABEL: @max_pool(
// CHECK: dlp.max_pool ins(%{{.*}} : tensor<1x7x6x3xf32>) -> tensor<1x3x5x3xf32> {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 2>, layout = "channels_last", strides = array<i64: 2, 1>}
func.func @max_pool(%a: tensor<1x7x6x3xf32>) -> tensor<1x3x5x3xf32> {
  %0 = dlp.max_pool ins(%a : tensor<1x7x6x3xf32>) -> tensor<1x3x5x3xf32> {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 2>, layout = "channels_last", strides = array<i64: 2, 1>}
  func.return %0 : tensor<1x3x5x3xf32>
}

// CHECK-LABEL: @sum_pool(
// CHECK: dlp.sum_pool ins(%{{.*}} : tensor<1x7x6x3xf32>) -> tensor<1x3x5x3xf32> {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 2>, layout = "channels_last", strides = array<i64: 2, 1>}
func.func @sum_pool(%a: tensor<1x7x6x3xf32>) -> tensor<1x3x5x3xf32> {
  %0 = dlp.sum_pool ins(%a : tensor<1x7x6x3xf32>) -> tensor<1x3x5x3xf32> {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 2>, layout = "channels_last", strides = array<i64: 2, 1>}
  func.return %0 : tensor<1x3x5x3xf32>
}

// CHECK-LABEL: @max_pool_first(
// CHECK: dlp.max_pool ins(%{{.*}} : tensor<1x3x7x6xf32>) -> tensor<1x3x3x5xf32> {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 2>, layout = "channels_first", strides = array<i64: 2, 1>}
func.func @max_pool_first(%a: tensor<1x3x7x6xf32>) -> tensor<1x3x3x5xf32> {
  %0 = dlp.max_pool ins(%a : tensor<1x3x7x6xf32>) -> tensor<1x3x3x5xf32> {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 2>, layout = "channels_first", strides = array<i64: 2, 1>}
  func.return %0 : tensor<1x3x3x5xf32>
}
