// RUN: dlp-opt %s --split-input-file --verify-diagnostics

// What the verifier rejects of Winograd's transforms.

func.func @no_points(%x: tensor<1x8x8x3xf32>) -> tensor<8x8x1x1x1x3xf32> {
  // expected-error @below {{dlp.winograd_input_transform: no transform for 6 outputs of 3 taps: 2 to 6 factors}}
  %0 = dlp.winograd_input_transform ins(%x : tensor<1x8x8x3xf32>) -> tensor<8x8x1x1x1x3xf32> {tile = 6 : i64, window = 3 : i64}
  func.return %0 : tensor<8x8x1x1x1x3xf32>
}

// -----

func.func @less_than_a_tile(%x: tensor<1x5x6x3xf32>) -> tensor<6x6x1x1x1x3xf32> {
  // expected-error @below {{dlp.winograd_input_transform: operand 0 (tensor<1x5x6x3xf32>) is not [n, s..., c] with a tile of 6}}
  %0 = dlp.winograd_input_transform ins(%x : tensor<1x5x6x3xf32>) -> tensor<6x6x1x1x1x3xf32> {tile = 4 : i64, window = 3 : i64}
  func.return %0 : tensor<6x6x1x1x1x3xf32>
}

// -----

func.func @taps(%w: tensor<3x5x4x4xf32>) -> tensor<6x6x4x4xf32> {
  // expected-error @below {{dlp.winograd_filter_transform: operand 0 (tensor<3x5x4x4xf32>) is not a filter of 3 taps}}
  %0 = dlp.winograd_filter_transform ins(%w : tensor<3x5x4x4xf32>) -> tensor<6x6x4x4xf32> {tile = 4 : i64, window = 3 : i64}
  func.return %0 : tensor<6x6x4x4xf32>
}

// -----

func.func @other_factors(%m: tensor<4x4x1x2x2x8xf32>) -> tensor<1x8x8x8xf32> {
  // expected-error @below {{dlp.winograd_output_transform: operand 0 (tensor<4x4x1x2x2x8xf32>) is not [6..., n, t..., c]}}
  %0 = dlp.winograd_output_transform ins(%m : tensor<4x4x1x2x2x8xf32>) -> tensor<1x8x8x8xf32> {tile = 4 : i64, window = 3 : i64}
  func.return %0 : tensor<1x8x8x8xf32>
}

// -----

func.func @more_tiles_than_pixels(%m: tensor<6x6x1x2x2x8xf32>) -> tensor<1x4x8x8xf32> {
  // expected-error @below {{dlp.winograd_output_transform: the tiles of operand 0 (tensor<6x6x1x2x2x8xf32>) do not give tensor<1x4x8x8xf32>}}
  %0 = dlp.winograd_output_transform ins(%m : tensor<6x6x1x2x2x8xf32>) -> tensor<1x4x8x8xf32> {tile = 4 : i64, window = 3 : i64}
  func.return %0 : tensor<1x4x8x8xf32>
}
