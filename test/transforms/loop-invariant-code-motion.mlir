// RUN: dlp-opt %s -p loop-invariant-code-motion --split-input-file | filecheck %s

// What depends on nothing in the loop leaves it, with what depends on that; the step itself stays.

// CHECK-LABEL: func.func @weights
// CHECK:         %[[T:.*]] = dlp.transpose
// CHECK-NEXT:    %[[E:.*]] = dlp.exp ins(%[[T]]
// CHECK-NEXT:    dlp.scan
// CHECK-NEXT:    ^{{.*}}(%[[X:.*]]: tensor<2x4xf32>, %[[S:.*]]: tensor<2x4xf32>):
// CHECK-NEXT:      %[[P:.*]] = dlp.matmul ins(%[[S]], %[[E]]
// CHECK-NEXT:      %[[N:.*]] = dlp.add ins(%[[P]], %[[X]]
// CHECK-NEXT:      dlp.yield %[[N]]
func.func @weights(%xs: tensor<3x2x4xf32>, %s0: tensor<2x4xf32>, %w: tensor<4x4xf32>) -> tensor<2x4xf32> {
  %last = dlp.scan ins(%xs : tensor<3x2x4xf32>) init(%s0 : tensor<2x4xf32>) -> (tensor<2x4xf32>) outputs () {
  ^bb0(%x: tensor<2x4xf32>, %s: tensor<2x4xf32>):
    %t = dlp.transpose ins(%w : tensor<4x4xf32>) -> tensor<4x4xf32> {permutation = array<i64: 1, 0>}
    %e = dlp.exp ins(%t : tensor<4x4xf32>) -> tensor<4x4xf32>
    %p = dlp.matmul ins(%s, %e : tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
    %n = dlp.add ins(%p, %x : tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
    dlp.yield %n : tensor<2x4xf32>
  }
  func.return %last : tensor<2x4xf32>
}

// -----

// Out of two loops at once; what depends on the outer one goes no further than that.

// CHECK-LABEL: func.func @nested
// CHECK-NEXT:    %[[E:.*]] = dlp.exp
// CHECK-NEXT:    dlp.scan
// CHECK-NEXT:    ^{{.*}}(%[[X:.*]]: tensor<2x4xf32>, %[[S:.*]]: tensor<4xf32>):
// CHECK-NEXT:      %[[R:.*]] = dlp.relu ins(%[[S]]
// CHECK-NEXT:      dlp.scan
// CHECK-NEXT:      ^{{.*}}(%[[Y:.*]]: tensor<4xf32>, %[[Q:.*]]: tensor<4xf32>):
// CHECK-NEXT:        dlp.add ins(%[[Q]], %[[E]]
// CHECK-NEXT:        dlp.add ins(%{{.*}}, %[[R]]
func.func @nested(%xs: tensor<3x2x4xf32>, %s0: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %last = dlp.scan ins(%xs : tensor<3x2x4xf32>) init(%s0 : tensor<4xf32>) -> (tensor<4xf32>) outputs () {
  ^bb0(%x: tensor<2x4xf32>, %s: tensor<4xf32>):
    %inner = dlp.scan ins(%x : tensor<2x4xf32>) init(%s : tensor<4xf32>) -> (tensor<4xf32>) outputs () {
    ^bb1(%y: tensor<4xf32>, %q: tensor<4xf32>):
      %e = dlp.exp ins(%w : tensor<4xf32>) -> tensor<4xf32>
      %r = dlp.relu ins(%s : tensor<4xf32>) -> tensor<4xf32>
      %a = dlp.add ins(%q, %e : tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %b = dlp.add ins(%a, %r : tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      dlp.yield %b : tensor<4xf32>
    }
    dlp.yield %inner : tensor<4xf32>
  }
  func.return %last : tensor<4xf32>
}

// -----

// A group, and what it computes, is no loop: nothing moves.

// CHECK-LABEL: func.func @group
// CHECK-NEXT:    dlp.fused
// CHECK-NEXT:    ^{{.*}}:
// CHECK-NEXT:      dlp.constant
func.func @group(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dlp.fused ins(%x : tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %one = dlp.constant ins() -> tensor<f32> {value = 1.0 : f64}
    %b = dlp.add ins(%a, %one : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    dlp.yield %b : tensor<4xf32>
  }
  func.return %0 : tensor<4xf32>
}
