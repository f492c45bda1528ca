// RUN: dlp-opt %s -p reciprocal-division --split-input-file | filecheck %s

// The sum of a softmax is at least 1: its reciprocal is computed once for each row.

// CHECK-LABEL: func.func @softmax
// CHECK:         %[[E:.*]] = dlp.exp
// CHECK-NEXT:    %[[T:.*]] = dlp.sum
// CHECK-NEXT:    %[[R:.*]] = dlp.reciprocal ins(%[[T]] : tensor<4x1xf32>) -> tensor<4x1xf32>
// CHECK-SAME:      dlp.source = "net.py:3"
// CHECK-NEXT:    %[[Y:.*]] = dlp.mul ins(%[[E]], %[[R]] : tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
// CHECK-SAME:      dlp.source = "net.py:3"
// CHECK-NEXT:    func.return %[[Y]]
func.func @softmax(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %m = dlp.max ins(%x : tensor<4x8xf32>) -> tensor<4x1xf32> {dims = array<i64: 1>, loose}
  %s = dlp.sub ins(%x, %m : tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  %e = dlp.exp ins(%s : tensor<4x8xf32>) -> tensor<4x8xf32>
  %t = dlp.sum ins(%e : tensor<4x8xf32>) -> tensor<4x1xf32> {dims = array<i64: 1>}
  %y = dlp.div ins(%e, %t : tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32> {dlp.source = "net.py:3"}
  func.return %y : tensor<4x8xf32>
}

// -----

// Square roots of floats are neither so small nor so large that the reciprocal leaves the normal numbers.

// CHECK-LABEL: func.func @root
// CHECK:         dlp.reciprocal ins(%{{.*}} : tensor<8xf32>)
// CHECK-NOT:     dlp.div
func.func @root(%x: tensor<4x8xf32>, %v: tensor<8xf32>) -> tensor<4x8xf32> {
  %d = dlp.sqrt ins(%v : tensor<8xf32>) -> tensor<8xf32>
  %y = dlp.div ins(%x, %d : tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  func.return %y : tensor<4x8xf32>
}

// -----

// The reciprocal of any number may overflow; of a sum of exponentials that are not shifted too.

// CHECK-LABEL: func.func @others
// CHECK-NOT:     dlp.reciprocal
func.func @others(%x: tensor<4x8xf32>, %d: tensor<4x1xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %y = dlp.div ins(%x, %d : tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  %e = dlp.exp ins(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
  %t = dlp.sum ins(%e : tensor<4x8xf32>) -> tensor<4x1xf32> {dims = array<i64: 1>}
  %z = dlp.div ins(%e, %t : tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  func.return %y, %z : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// A maximum along another dimension does not bound the sum from below.

// CHECK-LABEL: func.func @other_dimension
// CHECK-NOT:     dlp.reciprocal
func.func @other_dimension(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %m = dlp.max ins(%x : tensor<4x8xf32>) -> tensor<1x8xf32> {dims = array<i64: 0>}
  %s = dlp.sub ins(%x, %m : tensor<4x8xf32>, tensor<1x8xf32>) -> tensor<4x8xf32>
  %e = dlp.exp ins(%s : tensor<4x8xf32>) -> tensor<4x8xf32>
  %t = dlp.sum ins(%e : tensor<4x8xf32>) -> tensor<4x1xf32> {dims = array<i64: 1>}
  %y = dlp.div ins(%e, %t : tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  func.return %y : tensor<4x8xf32>
}

// -----

// Each element has a divisor of its own, or is a double.

// CHECK-LABEL: func.func @not_broadcast
// CHECK-NOT:     dlp.reciprocal
func.func @not_broadcast(%x: tensor<4x8xf32>, %v: tensor<4x8xf32>, %w: tensor<4x8xf64>, %u: tensor<8xf64>) -> (tensor<4x8xf32>, tensor<4x8xf64>) {
  %d = dlp.sqrt ins(%v : tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = dlp.div ins(%x, %d : tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %c = dlp.sqrt ins(%u : tensor<8xf64>) -> tensor<8xf64>
  %z = dlp.div ins(%w, %c : tensor<4x8xf64>, tensor<8xf64>) -> tensor<4x8xf64>
  func.return %y, %z : tensor<4x8xf32>, tensor<4x8xf64>
}
