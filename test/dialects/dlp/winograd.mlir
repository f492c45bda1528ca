// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// Winograd's transforms of images, weights and products.

// CHECK-LABEL: @winograd_input_transform(
// CHECK: dlp.winograd_input_transform ins(%{{.*}} : tensor<2x10x6x3xf32>) -> tensor<6x6x2x2x1x3xf32> {tile = 4 : i64, window = 3 : i64}
func.func @winograd_input_transform(%x: tensor<2x10x6x3xf32>) -> tensor<6x6x2x2x1x3xf32> {
  %0 = dlp.winograd_input_transform ins(%x : tensor<2x10x6x3xf32>) -> tensor<6x6x2x2x1x3xf32> {tile = 4 : i64, window = 3 : i64}
  func.return %0 : tensor<6x6x2x2x1x3xf32>
}

// CHECK-LABEL: @winograd_filter_transform(
// CHECK: dlp.winograd_filter_transform ins(%{{.*}} : tensor<3x3x5x9xf32>) -> tensor<4x4x5x9xf32> {tile = 2 : i64, window = 3 : i64}
func.func @winograd_filter_transform(%w: tensor<3x3x5x9xf32>) -> tensor<4x4x5x9xf32> {
  %0 = dlp.winograd_filter_transform ins(%w : tensor<3x3x5x9xf32>) -> tensor<4x4x5x9xf32> {tile = 2 : i64, window = 3 : i64}
  func.return %0 : tensor<4x4x5x9xf32>
}

// CHECK-LABEL: @winograd_output_transform(
// CHECK: dlp.winograd_output_transform ins(%{{.*}} : tensor<6x6x2x2x1x9xf32>) -> tensor<2x7x4x9xf32> {tile = 4 : i64, window = 3 : i64}
func.func @winograd_output_transform(%m: tensor<6x6x2x2x1x9xf32>) -> tensor<2x7x4x9xf32> {
  %0 = dlp.winograd_output_transform ins(%m : tensor<6x6x2x2x1x9xf32>) -> tensor<2x7x4x9xf32> {tile = 4 : i64, window = 3 : i64}
  func.return %0 : tensor<2x7x4x9xf32>
}
