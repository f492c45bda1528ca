// RUN: dlp-opt %s -p share-padding --split-input-file | filecheck %s

// The second user reads the inside of the frame, also where it came before the pad.

// CHECK-LABEL: func.func @residual
// CHECK-NEXT:    %[[R:.*]] = dlp.relu
// CHECK-NEXT:    %[[P:.*]] = dlp.pad ins(%[[R]]
// CHECK-NEXT:    %[[I:.*]] = dlp.slice ins(%[[P]] : tensor<1x6x6x8xf32>) -> tensor<1x4x4x8xf32> {offsets = array<i64: 0, 1, 1, 0>, steps = array<i64: 1, 1, 1, 1>}
// CHECK-NEXT:    %[[E:.*]] = dlp.exp ins(%[[I]]
// CHECK-NEXT:    %[[A:.*]] = dlp.add ins(%[[E]], %[[I]]
// CHECK-NEXT:    func.return %[[P]], %[[A]]
func.func @residual(%x: tensor<1x4x4x8xf32>) -> (tensor<1x6x6x8xf32>, tensor<1x4x4x8xf32>) {
  %0 = dlp.relu ins(%x : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  %1 = dlp.exp ins(%0 : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  %2 = dlp.pad ins(%0 : tensor<1x4x4x8xf32>) -> tensor<1x6x6x8xf32> {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f32}
  %3 = dlp.add ins(%1, %0 : tensor<1x4x4x8xf32>, tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  func.return %2, %3 : tensor<1x6x6x8xf32>, tensor<1x4x4x8xf32>
}

// -----

// The wider frame holds the narrower one.

// CHECK-LABEL: func.func @two_frames
// CHECK:         %[[P:.*]] = dlp.pad ins(%{{.*}} : tensor<4x8xf32>) -> tensor<8x8xf32>
// CHECK-NEXT:    %[[N:.*]] = dlp.slice ins(%[[P]] : tensor<8x8xf32>) -> tensor<6x8xf32> {offsets = array<i64: 1, 0>
// CHECK-NEXT:    func.return %[[N]], %[[P]]
func.func @two_frames(%x: tensor<4x8xf32>) -> (tensor<6x8xf32>, tensor<8x8xf32>) {
  %0 = dlp.relu ins(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = dlp.pad ins(%0 : tensor<4x8xf32>) -> tensor<6x8xf32> {low = array<i64: 1, 0>, high = array<i64: 1, 0>, value = 0.0 : f32}
  %2 = dlp.pad ins(%0 : tensor<4x8xf32>) -> tensor<8x8xf32> {low = array<i64: 2, 0>, high = array<i64: 2, 0>, value = 0.0 : f32}
  func.return %1, %2 : tensor<6x8xf32>, tensor<8x8xf32>
}

// -----

// Frames of different fill, and frames of which neither holds the other.

// CHECK-LABEL: func.func @different_frames
// CHECK-COUNT-4: dlp.pad
// CHECK-NOT:     dlp.slice
func.func @different_frames(%x: tensor<4x8xf32>) -> (tensor<6x8xf32>, tensor<6x8xf32>, tensor<6x8xf32>, tensor<6x8xf32>) {
  %0 = dlp.relu ins(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = dlp.pad ins(%0 : tensor<4x8xf32>) -> tensor<6x8xf32> {low = array<i64: 1, 0>, high = array<i64: 1, 0>, value = 0.0 : f32}
  %2 = dlp.pad ins(%0 : tensor<4x8xf32>) -> tensor<6x8xf32> {low = array<i64: 1, 0>, high = array<i64: 1, 0>, value = 1.0 : f32}
  %3 = dlp.exp ins(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = dlp.pad ins(%3 : tensor<4x8xf32>) -> tensor<6x8xf32> {low = array<i64: 2, 0>, high = array<i64: 0, 0>, value = 0.0 : f32}
  %5 = dlp.pad ins(%3 : tensor<4x8xf32>) -> tensor<6x8xf32> {low = array<i64: 0, 0>, high = array<i64: 2, 0>, value = 0.0 : f32}
  func.return %1, %2, %4, %5 : tensor<6x8xf32>, tensor<6x8xf32>, tensor<6x8xf32>, tensor<6x8xf32>
}

// -----

// Nobody reads with gaps what leaves the function, is flattened, or comes from outside.

// CHECK-LABEL: func.func @without_gaps
// CHECK-NOT:     dlp.slice
func.func @without_gaps(%x: tensor<4x4x8xf32>) -> (tensor<6x6x8xf32>, tensor<4x4x8xf32>, tensor<6x6x8xf32>, tensor<16x8xf32>, tensor<6x6x8xf32>) {
  %0 = dlp.relu ins(%x : tensor<4x4x8xf32>) -> tensor<4x4x8xf32>
  %1 = dlp.pad ins(%0 : tensor<4x4x8xf32>) -> tensor<6x6x8xf32> {low = array<i64: 1, 1, 0>, high = array<i64: 1, 1, 0>, value = 0.0 : f32}
  %2 = dlp.exp ins(%x : tensor<4x4x8xf32>) -> tensor<4x4x8xf32>
  %3 = dlp.pad ins(%2 : tensor<4x4x8xf32>) -> tensor<6x6x8xf32> {low = array<i64: 1, 1, 0>, high = array<i64: 1, 1, 0>, value = 0.0 : f32}
  %4 = dlp.reshape ins(%2 : tensor<4x4x8xf32>) -> tensor<16x8xf32>
  %5 = dlp.pad ins(%x : tensor<4x4x8xf32>) -> tensor<6x6x8xf32> {low = array<i64: 1, 1, 0>, high = array<i64: 1, 1, 0>, value = 0.0 : f32}
  func.return %1, %0, %3, %4, %5 : tensor<6x6x8xf32>, tensor<4x4x8xf32>, tensor<6x6x8xf32>, tensor<16x8xf32>, tensor<6x6x8xf32>
}
