// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// What holds a network together.

// CHECK-LABEL: @weights(
// CHECK: dlp.weight "layer1.0.conv.weight" : tensor<8x3x3x3xf32>
func.func @weights() -> tensor<8x3x3x3xf32> {
  %0 = dlp.weight "layer1.0.conv.weight" : tensor<8x3x3x3xf32>
  func.return %0 : tensor<8x3x3x3xf32>
}

// CHECK-LABEL: @groups(
// CHECK:      %[[A:.*]], %[[B:.*]] = dlp.fused "elementwise" ins(%{{.*}}, %{{.*}} : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>, tensor<4xf32> {
// CHECK-NEXT: ^{{.*}}(%[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[S:.*]] = dlp.add ins(%[[X]], %[[Y]] : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
// CHECK-NEXT:   %[[R:.*]] = dlp.relu ins(%[[S]] : tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:   dlp.yield %[[S]], %[[R]] : tensor<4xf32>, tensor<4xf32>
func.func @groups(%x: tensor<4xf32>, %y: tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0, %1 = dlp.fused "elementwise" ins(%x, %y : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>, tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<f32>):
    %s = dlp.add ins(%a, %b : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    %r = dlp.relu ins(%s : tensor<4xf32>) -> tensor<4xf32>
    dlp.yield %s, %r : tensor<4xf32>, tensor<4xf32>
  }
  func.return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// The line of the user's model travels along.
// CHECK-LABEL: @source(
// CHECK: dlp.relu {{.*}}dlp.source = "model.py:12"
func.func @source(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dlp.relu ins(%x : tensor<4xf32>) -> tensor<4xf32> {dlp.source = "model.py:12"}
  func.return %0 : tensor<4xf32>
}
