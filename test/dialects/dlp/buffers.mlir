// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// On buffers an op has a destination and no result.

// CHECK-LABEL: @add(
// CHECK: dlp.add ins(%{{.*}}, %{{.*}} : memref<2x3xf32>, memref<3xf32>) outs(%{{.*}} : memref<2x3xf32>)
func.func @add(%a: memref<2x3xf32>, %b: memref<3xf32>, %out: memref<2x3xf32>) {
  dlp.add ins(%a, %b : memref<2x3xf32>, memref<3xf32>) outs(%out : memref<2x3xf32>)
  func.return
}

// CHECK-LABEL: @constant(
// CHECK: dlp.constant ins() outs(%{{.*}} : memref<2x3xf32>) {value = 1.500000e+00 : f32}
func.func @constant(%out: memref<2x3xf32>) {
  dlp.constant ins() outs(%out : memref<2x3xf32>) {value = 1.500000e+00 : f32}
  func.return
}

// CHECK-LABEL: @matmul(
// CHECK: dlp.matmul ins(%{{.*}}, %{{.*}} : memref<3x4xf32>, memref<4x5xf32>) outs(%{{.*}} : memref<3x5xf32>)
func.func @matmul(%a: memref<3x4xf32>, %b: memref<4x5xf32>, %out: memref<3x5xf32>) {
  dlp.matmul ins(%a, %b : memref<3x4xf32>, memref<4x5xf32>) outs(%out : memref<3x5xf32>)
  func.return
}

// CHECK-LABEL: @conv(
// CHECK: dlp.conv ins(%{{.*}}, %{{.*}} : memref<1x5x6x3xf32>, memref<3x3x3x4xf32>) outs(%{{.*}} : memref<1x3x4x4xf32>) {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "channels_last", strides = array<i64: 1, 1>}
func.func @conv(%a: memref<1x5x6x3xf32>, %b: memref<3x3x3x4xf32>, %out: memref<1x3x4x4xf32>) {
  dlp.conv ins(%a, %b : memref<1x5x6x3xf32>, memref<3x3x3x4xf32>) outs(%out : memref<1x3x4x4xf32>) {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "channels_last", strides = array<i64: 1, 1>}
  func.return
}

// CHECK-LABEL: @max_pool(
// CHECK: dlp.max_pool ins(%{{.*}} : memref<1x7x6x3xf32>) outs(%{{.*}} : memref<1x3x5x3xf32>) {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 2>, layout = "channels_last", strides = array<i64: 2, 1>}
func.func @max_pool(%a: memref<1x7x6x3xf32>, %out: memref<1x3x5x3xf32>) {
  dlp.max_pool ins(%a : memref<1x7x6x3xf32>) outs(%out : memref<1x3x5x3xf32>) {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 2>, layout = "channels_last", strides = array<i64: 2, 1>}
  func.return
}

// CHECK-LABEL: @pad(
// CHECK: dlp.pad ins(%{{.*}} : memref<2x3xf32>) outs(%{{.*}} : memref<3x5xf32>) {high = array<i64: 0, 2>, low = array<i64: 1, 0>, value = 0xff800000 : f32}
func.func @pad(%a: memref<2x3xf32>, %out: memref<3x5xf32>) {
  dlp.pad ins(%a : memref<2x3xf32>) outs(%out : memref<3x5xf32>) {high = array<i64: 0, 2>, low = array<i64: 1, 0>, value = 0xff800000 : f32}
  func.return
}

// CHECK-LABEL: @concat(
// CHECK: dlp.concat ins(%{{.*}}, %{{.*}}, %{{.*}} : memref<2x3xf32>, memref<2x1xf32>, memref<2x2xf32>) outs(%{{.*}} : memref<2x6xf32>) {dimension = 1 : i64}
func.func @concat(%a: memref<2x3xf32>, %b: memref<2x1xf32>, %c: memref<2x2xf32>, %out: memref<2x6xf32>) {
  dlp.concat ins(%a, %b, %c : memref<2x3xf32>, memref<2x1xf32>, memref<2x2xf32>) outs(%out : memref<2x6xf32>) {dimension = 1 : i64}
  func.return
}

// CHECK-LABEL: @gather(
// CHECK: dlp.gather ins(%{{.*}}, %{{.*}} : memref<4x5xf32>, memref<2x3xi64>) outs(%{{.*}} : memref<2x3x5xf32>) {dimension = 0 : i64}
func.func @gather(%a: memref<4x5xf32>, %b: memref<2x3xi64>, %out: memref<2x3x5xf32>) {
  dlp.gather ins(%a, %b : memref<4x5xf32>, memref<2x3xi64>) outs(%out : memref<2x3x5xf32>) {dimension = 0 : i64}
  func.return
}

// CHECK-LABEL: @accumulate(
// CHECK: dlp.matmul ins(%{{.*}}, %{{.*}} : memref<3x4xf32>, memref<4x5xf32>) outs(%{{.*}} : memref<3x5xf32>) {accumulate}
func.func @accumulate(%a: memref<3x4xf32>, %b: memref<4x5xf32>, %out: memref<3x5xf32>) {
  dlp.matmul ins(%a, %b : memref<3x4xf32>, memref<4x5xf32>) outs(%out : memref<3x5xf32>) {accumulate}
  func.return
}

// CHECK-LABEL: @tile(
// CHECK: dlp.relu ins(%{{.*}} : memref<?x4xf32, strided<[8, 1], offset: ?>>) outs(%{{.*}} : memref<?x4xf32>)
func.func @tile(%a: memref<?x4xf32, strided<[8, 1], offset: ?>>, %out: memref<?x4xf32>) {
  dlp.relu ins(%a : memref<?x4xf32, strided<[8, 1], offset: ?>>) outs(%out : memref<?x4xf32>)
  func.return
}
