// RUN: dlp-opt %s -p simplify-views --split-input-file | filecheck %s

// Two transposes meet behind element-wise ops and cancel; a bias is put into the order that is left.

// CHECK-LABEL: func.func @meet
// CHECK-SAME:    (%[[X:.*]]: tensor<2x8x4xf32>, %[[B:.*]]: tensor<8xf32>)
// CHECK-NEXT:    %[[R:.*]] = dlp.relu ins(%[[X]] : tensor<2x8x4xf32>)
// CHECK-NEXT:    %[[C:.*]] = dlp.reshape ins(%[[B]] : tensor<8xf32>) -> tensor<8x1xf32>
// CHECK-NEXT:    %[[A:.*]] = dlp.add ins(%[[R]], %[[C]]
// CHECK-NEXT:    func.return %[[A]]
func.func @meet(%x: tensor<2x8x4xf32>, %b: tensor<8xf32>) -> tensor<2x8x4xf32> {
  %0 = dlp.transpose ins(%x : tensor<2x8x4xf32>) -> tensor<2x4x8xf32> {permutation = array<i64: 0, 2, 1>}
  %1 = dlp.relu ins(%0 : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %2 = dlp.add ins(%1, %b : tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %3 = dlp.transpose ins(%2 : tensor<2x4x8xf32>) -> tensor<2x8x4xf32> {permutation = array<i64: 0, 2, 1>}
  func.return %3 : tensor<2x8x4xf32>
}

// -----

// The other operand would have to be transposed instead: nothing is won.

// CHECK-LABEL: func.func @tie
// CHECK-SAME:    (%[[X:.*]]: tensor<8x4xf32>, %[[Y:.*]]: tensor<4x8xf32>)
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[X]]
// CHECK-NEXT:    dlp.add ins(%[[T]], %[[Y]]
func.func @tie(%x: tensor<8x4xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = dlp.transpose ins(%x : tensor<8x4xf32>) -> tensor<4x8xf32> {permutation = array<i64: 1, 0>}
  %1 = dlp.add ins(%0, %y : tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  func.return %1 : tensor<4x8xf32>
}

// -----

// Reductions, slices and concatenations work on the dimension where theirs comes from.

// CHECK-LABEL: func.func @dimensions
// CHECK-SAME:    (%[[X:.*]]: tensor<2x8x4xf32>)
// CHECK-NEXT:    %[[S:.*]] = dlp.slice ins(%[[X]] : tensor<2x8x4xf32>) -> tensor<2x3x4xf32> {offsets = array<i64: 0, 1, 0>, steps = array<i64: 1, 2, 1>}
// CHECK-NEXT:    %[[C:.*]] = dlp.concat ins(%[[S]], %[[X]] : tensor<2x3x4xf32>, tensor<2x8x4xf32>) -> tensor<2x11x4xf32> {dimension = 1 : i64}
// CHECK-NEXT:    %[[M:.*]] = dlp.sum ins(%[[C]] : tensor<2x11x4xf32>) -> tensor<1x11x4xf32> {dims = array<i64: 0>}
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[M]] : tensor<1x11x4xf32>) -> tensor<4x1x11xf32> {permutation = array<i64: 2, 0, 1>}
// CHECK-NEXT:    func.return %[[T]]
func.func @dimensions(%x: tensor<2x8x4xf32>) -> tensor<4x1x11xf32> {
  %0 = dlp.transpose ins(%x : tensor<2x8x4xf32>) -> tensor<4x2x8xf32> {permutation = array<i64: 2, 0, 1>}
  %1 = dlp.slice ins(%0 : tensor<4x2x8xf32>) -> tensor<4x2x3xf32> {offsets = array<i64: 0, 0, 1>, steps = array<i64: 1, 1, 2>}
  %2 = dlp.concat ins(%1, %0 : tensor<4x2x3xf32>, tensor<4x2x8xf32>) -> tensor<4x2x11xf32> {dimension = 2 : i64}
  %3 = dlp.sum ins(%2 : tensor<4x2x11xf32>) -> tensor<4x1x11xf32> {dims = array<i64: 1>}
  func.return %3 : tensor<4x1x11xf32>
}

// -----

// A pad makes its operand larger: the transpose stays before it.

// CHECK-LABEL: func.func @larger
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose
// CHECK-NEXT:    dlp.pad ins(%[[T]]
func.func @larger(%x: tensor<8x4xf32>) -> tensor<6x8xf32> {
  %0 = dlp.transpose ins(%x : tensor<8x4xf32>) -> tensor<4x8xf32> {permutation = array<i64: 1, 0>}
  %1 = dlp.pad ins(%0 : tensor<4x8xf32>) -> tensor<6x8xf32> {low = array<i64: 1, 0>, high = array<i64: 1, 0>, value = 0.0 : f32}
  func.return %1 : tensor<6x8xf32>
}

// -----

// Rows that became a batch stay rows for what follows: here a layer norm's sums.

// CHECK-LABEL: func.func @rows
// CHECK-SAME:    (%[[X:.*]]: tensor<6x8xf32>, %[[Y:.*]]: tensor<2x3x8xf32>)
// CHECK-NEXT:    %[[F:.*]] = dlp.reshape ins(%[[Y]] : tensor<2x3x8xf32>) -> tensor<6x8xf32>
// CHECK-NEXT:    %[[A:.*]] = dlp.add ins(%[[X]], %[[F]]
// CHECK-NEXT:    %[[S:.*]] = dlp.sum ins(%[[A]] : tensor<6x8xf32>) -> tensor<6x1xf32> {dims = array<i64: 1>}
// CHECK-NEXT:    %[[D:.*]] = dlp.sub ins(%[[A]], %[[S]] : tensor<6x8xf32>, tensor<6x1xf32>)
// CHECK-NEXT:    func.return %[[D]]
func.func @rows(%x: tensor<6x8xf32>, %y: tensor<2x3x8xf32>) -> tensor<6x8xf32> {
  %0 = dlp.reshape ins(%x : tensor<6x8xf32>) -> tensor<2x3x8xf32>
  %1 = dlp.add ins(%0, %y : tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %2 = dlp.sum ins(%1 : tensor<2x3x8xf32>) -> tensor<2x3x1xf32> {dims = array<i64: 2>}
  %3 = dlp.sub ins(%1, %2 : tensor<2x3x8xf32>, tensor<2x3x1xf32>) -> tensor<2x3x8xf32>
  %4 = dlp.reshape ins(%3 : tensor<2x3x8xf32>) -> tensor<6x8xf32>
  func.return %4 : tensor<6x8xf32>
}

// -----

// An operand that is the same for the whole batch cannot be flattened with it.

// CHECK-LABEL: func.func @shared
// CHECK-NEXT:    %[[R:.*]] = dlp.reshape
// CHECK-NEXT:    dlp.add ins(%[[R]], %{{.*}} : tensor<2x3x8xf32>, tensor<3x8xf32>)
func.func @shared(%x: tensor<6x8xf32>, %y: tensor<3x8xf32>) -> tensor<2x3x8xf32> {
  %0 = dlp.reshape ins(%x : tensor<6x8xf32>) -> tensor<2x3x8xf32>
  %1 = dlp.add ins(%0, %y : tensor<2x3x8xf32>, tensor<3x8xf32>) -> tensor<2x3x8xf32>
  func.return %1 : tensor<2x3x8xf32>
}

// -----

// A reshape that splits what a transpose moves as a whole goes first; then the transposes are one.

// CHECK-LABEL: func.func @split
// CHECK-SAME:    (%[[X:.*]]: tensor<12x5xf32>)
// CHECK-NEXT:    %[[R:.*]] = dlp.reshape ins(%[[X]] : tensor<12x5xf32>) -> tensor<3x4x5xf32>
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[R]] : tensor<3x4x5xf32>) -> tensor<3x5x4xf32> {permutation = array<i64: 0, 2, 1>}
// CHECK-NEXT:    func.return %[[T]]
func.func @split(%x: tensor<12x5xf32>) -> tensor<3x5x4xf32> {
  %0 = dlp.transpose ins(%x : tensor<12x5xf32>) -> tensor<5x12xf32> {permutation = array<i64: 1, 0>}
  %1 = dlp.reshape ins(%0 : tensor<5x12xf32>) -> tensor<5x3x4xf32>
  %2 = dlp.transpose ins(%1 : tensor<5x3x4xf32>) -> tensor<3x5x4xf32> {permutation = array<i64: 1, 0, 2>}
  func.return %2 : tensor<3x5x4xf32>
}

// -----

// A reshape across dimensions that the transpose moved apart needs the elements in their new order.

// CHECK-LABEL: func.func @across
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose
// CHECK-NEXT:    dlp.reshape ins(%[[T]]
func.func @across(%x: tensor<3x4x5xf32>) -> tensor<4x15xf32> {
  %0 = dlp.transpose ins(%x : tensor<3x4x5xf32>) -> tensor<4x3x5xf32> {permutation = array<i64: 1, 0, 2>}
  %1 = dlp.reshape ins(%0 : tensor<4x3x5xf32>) -> tensor<4x15xf32>
  func.return %1 : tensor<4x15xf32>
}
