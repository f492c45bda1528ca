// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// A loop over the steps of a sequence: its body has the slices and the states, and may use what is around it.

// CHECK-LABEL: @running_sum(
// CHECK-SAME:    %[[XS:.*]]: tensor<5x3xf32>, %[[S0:.*]]: tensor<3xf32>, %[[K:.*]]: tensor<3xf32>)
// CHECK:      %[[L:.*]], %[[YS:.*]] = dlp.scan ins(%[[XS]] : tensor<5x3xf32>) init(%[[S0]] : tensor<3xf32>) -> (tensor<3xf32>) outputs(tensor<5x3xf32>) {
// CHECK-NEXT: ^{{.*}}(%[[X:.*]]: tensor<3xf32>, %[[S:.*]]: tensor<3xf32>):
// CHECK-NEXT:   %[[N:.*]] = dlp.add ins(%[[S]], %[[X]]
// CHECK-NEXT:   %[[Y:.*]] = dlp.mul ins(%[[N]], %[[K]]
// CHECK-NEXT:   dlp.yield %[[N]], %[[Y]] : tensor<3xf32>, tensor<3xf32>
// CHECK-NEXT: }
func.func @running_sum(%xs: tensor<5x3xf32>, %s0: tensor<3xf32>, %k: tensor<3xf32>) -> (tensor<3xf32>, tensor<5x3xf32>) {
  %last, %ys = dlp.scan ins(%xs : tensor<5x3xf32>) init(%s0 : tensor<3xf32>) -> (tensor<3xf32>) outputs (tensor<5x3xf32>) {
  ^bb0(%x: tensor<3xf32>, %s: tensor<3xf32>):
    %n = dlp.add ins(%s, %x : tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %y = dlp.mul ins(%n, %k : tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    dlp.yield %n, %y : tensor<3xf32>, tensor<3xf32>
  }
  func.return %last, %ys : tensor<3xf32>, tensor<5x3xf32>
}

// CHECK-LABEL: @backwards(
// CHECK: dlp.scan reverse ins({{.*}}) init() -> () outputs(tensor<5x3xf32>)
func.func @backwards(%xs: tensor<5x3xf32>) -> tensor<5x3xf32> {
  %ys = dlp.scan reverse ins(%xs : tensor<5x3xf32>) init() -> () outputs (tensor<5x3xf32>) {
  ^bb0(%x: tensor<3xf32>):
    dlp.yield %x : tensor<3xf32>
  }
  func.return %ys : tensor<5x3xf32>
}
