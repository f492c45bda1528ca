// RUN: dlp-opt %s -p outline-kernels | filecheck %s

// Groups that differ in names and source lines only share a function; one with another property does not.

// CHECK:      func.func @forward(%[[X:.*]]: tensor<8x16xf32>, %[[W:.*]]: tensor<16x16xf32>)
// CHECK-NEXT:   %[[A:.*]] = func.call @matmul_relu(%[[X]], %[[W]])
// CHECK-NEXT:   %[[B:.*]] = func.call @matmul_relu(%[[A]], %[[W]])
// CHECK-NEXT:   %[[C:.*]], %[[M:.*]] = func.call @softmax(%[[B]])
// CHECK-NEXT:   %[[D:.*]] = func.call @exp_kernel(%[[M]])
// CHECK-NEXT:   %[[E:.*]] = func.call @softmax_2(%[[D]])
// CHECK-NEXT:   func.return %[[C]], %[[E]]
func.func @forward(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> (tensor<8x16xf32>, tensor<8x16xf32>) {
  %a = dlp.fused "matmul" ins(%x, %w : tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> {
  ^bb0(%p: tensor<8x16xf32>, %q: tensor<16x16xf32>):
    %0 = dlp.matmul ins(%p, %q : tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> {dlp.source = "net.py:4"}
    %1 = dlp.relu ins(%0 : tensor<8x16xf32>) -> tensor<8x16xf32> {dlp.source = "net.py:5"}
    dlp.yield %1 : tensor<8x16xf32>
  }
  %b = dlp.fused ins(%a, %w : tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> {
  ^bb0(%u: tensor<8x16xf32>, %v: tensor<16x16xf32>):
    %m = dlp.matmul ins(%u, %v : tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> {dlp.source = "net.py:7"}
    %n = dlp.relu ins(%m : tensor<8x16xf32>) -> tensor<8x16xf32> {dlp.source = "net.py:8"}
    dlp.yield %n : tensor<8x16xf32>
  }
  %c:2 = dlp.fused "softmax" ins(%b : tensor<8x16xf32>) -> tensor<8x16xf32>, tensor<8x1xf32> {
  ^bb0(%p: tensor<8x16xf32>):
    %0 = dlp.max ins(%p : tensor<8x16xf32>) -> tensor<8x1xf32> {dims = array<i64: 1>}
    %1 = dlp.sub ins(%p, %0 : tensor<8x16xf32>, tensor<8x1xf32>) -> tensor<8x16xf32>
    %2 = dlp.exp ins(%1 : tensor<8x16xf32>) -> tensor<8x16xf32>
    %3 = dlp.sum ins(%2 : tensor<8x16xf32>) -> tensor<8x1xf32> {dims = array<i64: 1>}
    %4 = dlp.div ins(%2, %3 : tensor<8x16xf32>, tensor<8x1xf32>) -> tensor<8x16xf32>
    dlp.yield %4, %0 : tensor<8x16xf32>, tensor<8x1xf32>
  }
  %d = dlp.fused ins(%c#1 : tensor<8x1xf32>) -> tensor<8x1xf32> {
  ^bb0(%p: tensor<8x1xf32>):
    %0 = dlp.exp ins(%p : tensor<8x1xf32>) -> tensor<8x1xf32>
    dlp.yield %0 : tensor<8x1xf32>
  }
  %e = dlp.fused ins(%d : tensor<8x1xf32>) -> tensor<8x16xf32> {
  ^bb0(%p: tensor<8x1xf32>):
    %w0 = dlp.broadcast ins(%p : tensor<8x1xf32>) -> tensor<8x16xf32>
    %0 = dlp.max ins(%w0 : tensor<8x16xf32>) -> tensor<8x1xf32> {dims = array<i64: 1>}
    %1 = dlp.sub ins(%w0, %0 : tensor<8x16xf32>, tensor<8x1xf32>) -> tensor<8x16xf32>
    %2 = dlp.exp ins(%1 : tensor<8x16xf32>) -> tensor<8x16xf32>
    %3 = dlp.sum ins(%2 : tensor<8x16xf32>) -> tensor<8x1xf32> {dims = array<i64: 1>}
    %4 = dlp.div ins(%2, %3 : tensor<8x16xf32>, tensor<8x1xf32>) -> tensor<8x16xf32>
    dlp.yield %4 : tensor<8x16xf32>
  }
  func.return %c#0, %e : tensor<8x16xf32>, tensor<8x16xf32>
}

// CHECK:      func.func private @matmul_relu(%{{.*}}) -> tensor<8x16xf32> attributes {dlp.comment = "matmul, relu\0Anet.py:4, net.py:5, net.py:7 and 1 more"} {
// CHECK-NEXT:   dlp.matmul
// CHECK-NEXT:   dlp.relu
// CHECK-NEXT:   func.return
// CHECK:      func.func private @softmax(
// CHECK:      func.func private @exp_kernel(
// CHECK:      func.func private @softmax_2(
// CHECK-NOT:  func.func
