// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// Views, pad, concat and gather.

// CHECK-LABEL: @copy(
// CHECK: dlp.copy ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @copy(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.copy ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @transpose(
// CHECK: dlp.transpose ins(%{{.*}} : tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {permutation = array<i64: 2, 0, 1>}
func.func @transpose(%a: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %0 = dlp.transpose ins(%a : tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {permutation = array<i64: 2, 0, 1>}
  func.return %0 : tensor<4x2x3xf32>
}

// CHECK-LABEL: @reshape(
// CHECK: dlp.reshape ins(%{{.*}} : tensor<4x6x5xf32>) -> tensor<3x8x5xf32>
func.func @reshape(%a: tensor<4x6x5xf32>) -> tensor<3x8x5xf32> {
  %0 = dlp.reshape ins(%a : tensor<4x6x5xf32>) -> tensor<3x8x5xf32>
  func.return %0 : tensor<3x8x5xf32>
}

// CHECK-LABEL: @reshape_flat(
// CHECK: dlp.reshape ins(%{{.*}} : tensor<2x1x6xf32>) -> tensor<12xf32>
func.func @reshape_flat(%a: tensor<2x1x6xf32>) -> tensor<12xf32> {
  %0 = dlp.reshape ins(%a : tensor<2x1x6xf32>) -> tensor<12xf32>
  func.return %0 : tensor<12xf32>
}

// CHECK-LABEL: @slice(
// CHECK: dlp.slice ins(%{{.*}} : tensor<5x7xf32>) -> tensor<2x3xf32> {offsets = array<i64: 1, 0>, steps = array<i64: 2, 3>}
func.func @slice(%a: tensor<5x7xf32>) -> tensor<2x3xf32> {
  %0 = dlp.slice ins(%a : tensor<5x7xf32>) -> tensor<2x3xf32> {offsets = array<i64: 1, 0>, steps = array<i64: 2, 3>}
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @slice_backwards(
// CHECK: dlp.slice ins(%{{.*}} : tensor<5xf32>) -> tensor<3xf32> {offsets = array<i64: 4>, steps = array<i64: -2>}
func.func @slice_backwards(%a: tensor<5xf32>) -> tensor<3xf32> {
  %0 = dlp.slice ins(%a : tensor<5xf32>) -> tensor<3xf32> {offsets = array<i64: 4>, steps = array<i64: -2>}
  func.return %0 : tensor<3xf32>
}

// CHECK-LABEL: @broadcast(
// CHECK: dlp.broadcast ins(%{{.*}} : tensor<3x1xf32>) -> tensor<2x3x4xf32>
func.func @broadcast(%a: tensor<3x1xf32>) -> tensor<2x3x4xf32> {
  %0 = dlp.broadcast ins(%a : tensor<3x1xf32>) -> tensor<2x3x4xf32>
  func.return %0 : tensor<2x3x4xf32>
}

// CHECK-LABEL: @pad(
// CHECK: dlp.pad ins(%{{.*}} : tensor<2x3xf32>) -> tensor<3x5xf32> {high = array<i64: 0, 2>, low = array<i64: 1, 0>, value = 0xff800000 : f32}
func.func @pad(%a: tensor<2x3xf32>) -> tensor<3x5xf32> {
  %0 = dlp.pad ins(%a : tensor<2x3xf32>) -> tensor<3x5xf32> {high = array<i64: 0, 2>, low = array<i64: 1, 0>, value = 0xff800000 : f32}
  func.return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: @pad_i64(
// CHECK: dlp.pad ins(%{{.*}} : tensor<2xi64>) -> tensor<4xi64> {high = array<i64: 1>, low = array<i64: 1>, value = 7 : i64}
func.func @pad_i64(%a: tensor<2xi64>) -> tensor<4xi64> {
  %0 = dlp.pad ins(%a : tensor<2xi64>) -> tensor<4xi64> {high = array<i64: 1>, low = array<i64: 1>, value = 7 : i64}
  func.return %0 : tensor<4xi64>
}

// CHECK-LABEL: @concat(
// CHECK: dlp.concat ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<2x1xf32>, tensor<2x2xf32>) -> tensor<2x6xf32> {dimension = 1 : i64}
func.func @concat(%a: tensor<2x3xf32>, %b: tensor<2x1xf32>, %c: tensor<2x2xf32>) -> tensor<2x6xf32> {
  %0 = dlp.concat ins(%a, %b, %c : tensor<2x3xf32>, tensor<2x1xf32>, tensor<2x2xf32>) -> tensor<2x6xf32> {dimension = 1 : i64}
  func.return %0 : tensor<2x6xf32>
}

// CHECK-LABEL: @gather(
// CHECK: dlp.gather ins(%{{.*}}, %{{.*}} : tensor<4x5xf32>, tensor<2x3xi64>) -> tensor<2x3x5xf32> {dimension = 0 : i64}
func.func @gather(%a: tensor<4x5xf32>, %b: tensor<2x3xi64>) -> tensor<2x3x5xf32> {
  %0 = dlp.gather ins(%a, %b : tensor<4x5xf32>, tensor<2x3xi64>) -> tensor<2x3x5xf32> {dimension = 0 : i64}
  func.return %0 : tensor<2x3x5xf32>
}

// CHECK-LABEL: @gather_inner_i32(
// CHECK: dlp.gather ins(%{{.*}}, %{{.*}} : tensor<2x5x3xf32>, tensor<4xi32>) -> tensor<2x4x3xf32> {dimension = 1 : i64}
func.func @gather_inner_i32(%a: tensor<2x5x3xf32>, %b: tensor<4xi32>) -> tensor<2x4x3xf32> {
  %0 = dlp.gather ins(%a, %b : tensor<2x5x3xf32>, tensor<4xi32>) -> tensor<2x4x3xf32> {dimension = 1 : i64}
  func.return %0 : tensor<2x4x3xf32>
}
