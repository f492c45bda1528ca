// RUN: dlp-opt %s -p 'fuse{target=avx512}' --split-input-file | filecheck %s
// RUN: dlp-opt %s -p 'fuse{target=avx512 without=strips}' --split-input-file | filecheck %s --check-prefix=APART

// A product between transforms, and what is computed behind them.

// CHECK-LABEL: func.func @strips
// CHECK:         dlp.fused "strips"
// CHECK:           dlp.winograd_input_transform
// CHECK-NEXT:      dlp.matmul
// CHECK-NEXT:      dlp.winograd_output_transform
// CHECK-NEXT:      dlp.add
// CHECK-NEXT:      dlp.relu
// CHECK-NEXT:      dlp.yield
// CHECK-NOT:     dlp.fused

// APART-LABEL: func.func @strips
// APART:         dlp.fused "winograd_input_transform"
// APART:         dlp.fused "matmul"
// APART:         dlp.fused "winograd_output_transform"
// APART:           dlp.relu
func.func @strips(%x: tensor<1x10x10x8xf32>, %u: tensor<6x6x1x1x8x16xf32>, %b: tensor<16xf32>) -> tensor<1x8x8x16xf32> {
  %0 = dlp.winograd_input_transform ins(%x : tensor<1x10x10x8xf32>) -> tensor<6x6x1x2x2x8xf32> {tile = 4 : i64, window = 3 : i64}
  %1 = dlp.matmul ins(%0, %u : tensor<6x6x1x2x2x8xf32>, tensor<6x6x1x1x8x16xf32>) -> tensor<6x6x1x2x2x16xf32>
  %2 = dlp.winograd_output_transform ins(%1 : tensor<6x6x1x2x2x16xf32>) -> tensor<1x8x8x16xf32> {tile = 4 : i64, window = 3 : i64}
  %3 = dlp.add ins(%2, %b : tensor<1x8x8x16xf32>, tensor<16xf32>) -> tensor<1x8x8x16xf32>
  %4 = dlp.relu ins(%3 : tensor<1x8x8x16xf32>) -> tensor<1x8x8x16xf32>
  func.return %4 : tensor<1x8x8x16xf32>
}

// -----

// Lines have one dimension to be cut along.

// CHECK-LABEL: func.func @line
// CHECK:         dlp.fused "strips"
// CHECK-NOT:     dlp.fused
func.func @line(%x: tensor<2x10x8xf32>, %u: tensor<4x1x8x16xf32>) -> tensor<2x8x16xf32> {
  %0 = dlp.winograd_input_transform ins(%x : tensor<2x10x8xf32>) -> tensor<4x2x4x8xf32> {tile = 2 : i64, window = 3 : i64}
  %1 = dlp.matmul ins(%0, %u : tensor<4x2x4x8xf32>, tensor<4x1x8x16xf32>) -> tensor<4x2x4x16xf32>
  %2 = dlp.winograd_output_transform ins(%1 : tensor<4x2x4x16xf32>) -> tensor<2x8x16xf32> {tile = 2 : i64, window = 3 : i64}
  func.return %2 : tensor<2x8x16xf32>
}

// -----

// Products whose rows are all tiles of the image are wanted as a whole.

// CHECK-LABEL: func.func @flat
// CHECK-NOT:     "strips"
func.func @flat(%x: tensor<1x10x10x8xf32>, %u: tensor<36x8x16xf32>) -> tensor<1x8x8x16xf32> {
  %0 = dlp.winograd_input_transform ins(%x : tensor<1x10x10x8xf32>) -> tensor<6x6x1x2x2x8xf32> {tile = 4 : i64, window = 3 : i64}
  %1 = dlp.reshape ins(%0 : tensor<6x6x1x2x2x8xf32>) -> tensor<36x4x8xf32>
  %2 = dlp.matmul ins(%1, %u : tensor<36x4x8xf32>, tensor<36x8x16xf32>) -> tensor<36x4x16xf32>
  %3 = dlp.reshape ins(%2 : tensor<36x4x16xf32>) -> tensor<6x6x1x2x2x16xf32>
  %4 = dlp.winograd_output_transform ins(%3 : tensor<6x6x1x2x2x16xf32>) -> tensor<1x8x8x16xf32> {tile = 4 : i64, window = 3 : i64}
  func.return %4 : tensor<1x8x8x16xf32>
}

// -----

// Somebody else reads the transformed image: it has to be there as a whole.

// CHECK-LABEL: func.func @shared
// CHECK-NOT:     "strips"
func.func @shared(%x: tensor<1x10x10x8xf32>, %u: tensor<6x6x1x1x8x16xf32>) -> (tensor<1x8x8x16xf32>, tensor<6x6x1x2x2x8xf32>) {
  %0 = dlp.winograd_input_transform ins(%x : tensor<1x10x10x8xf32>) -> tensor<6x6x1x2x2x8xf32> {tile = 4 : i64, window = 3 : i64}
  %1 = dlp.matmul ins(%0, %u : tensor<6x6x1x2x2x8xf32>, tensor<6x6x1x1x8x16xf32>) -> tensor<6x6x1x2x2x16xf32>
  %2 = dlp.winograd_output_transform ins(%1 : tensor<6x6x1x2x2x16xf32>) -> tensor<1x8x8x16xf32> {tile = 4 : i64, window = 3 : i64}
  func.return %2, %0 : tensor<1x8x8x16xf32>, tensor<6x6x1x2x2x8xf32>
}

// -----

// 36 x (2560 + 16) elements are too much for the scratch of a task.

// CHECK-LABEL: func.func @wide
// CHECK-NOT:     "strips"
func.func @wide(%x: tensor<1x6x6x2560xf32>, %u: tensor<6x6x1x1x2560x16xf32>) -> tensor<1x4x4x16xf32> {
  %0 = dlp.winograd_input_transform ins(%x : tensor<1x6x6x2560xf32>) -> tensor<6x6x1x1x1x2560xf32> {tile = 4 : i64, window = 3 : i64}
  %1 = dlp.matmul ins(%0, %u : tensor<6x6x1x1x1x2560xf32>, tensor<6x6x1x1x2560x16xf32>) -> tensor<6x6x1x1x1x16xf32>
  %2 = dlp.winograd_output_transform ins(%1 : tensor<6x6x1x1x1x16xf32>) -> tensor<1x4x4x16xf32> {tile = 4 : i64, window = 3 : i64}
  func.return %2 : tensor<1x4x4x16xf32>
}
