// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// What only integers have.

// CHECK-LABEL: @shifts(
// CHECK: dlp.shift_left ins(%{{.*}}, %{{.*}} : tensor<2x9xi64>, tensor<9xi64>) -> tensor<2x9xi64>
// CHECK: dlp.shift_right ins(%{{.*}}, %{{.*}} : tensor<2x9xi64>, tensor<9xi64>) -> tensor<2x9xi64>
func.func @shifts(%x: tensor<2x9xi64>, %by: tensor<9xi64>) -> tensor<2x9xi64> {
  %0 = dlp.shift_left ins(%x, %by : tensor<2x9xi64>, tensor<9xi64>) -> tensor<2x9xi64>
  %1 = dlp.shift_right ins(%0, %by : tensor<2x9xi64>, tensor<9xi64>) -> tensor<2x9xi64>
  func.return %1 : tensor<2x9xi64>
}
