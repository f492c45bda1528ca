// REQUIRES: mlir-opt-22
// RUN: dlp-opt %s --mlir-print-op-generic | mlir-opt-22 --allow-unregistered-dialect | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | mlir-opt-22 --allow-unregistered-dialect --mlir-print-op-generic | dlp-opt | filecheck %s --check-prefix=BACK

// Graphs in generic form are read by the upstream tool, and come back from it unchanged.

// CHECK: "dlp.weight"
// CHECK: "dlp.matmul"
// CHECK: "dlp.relu"

// BACK:      %[[W:.*]] = dlp.weight
// BACK-NEXT: %[[A:.*]] = dlp.matmul ins(%{{.*}}, %[[W]] : tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
// BACK-NEXT: dlp.relu ins(%[[A]]
func.func @forward(%x: tensor<8x16xf32>) -> tensor<8x4xf32> {
  %w = dlp.weight "layer1.linear.weight" : tensor<16x4xf32>
  %a = dlp.matmul ins(%x, %w : tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  %y = dlp.relu ins(%a : tensor<8x4xf32>) -> tensor<8x4xf32>
  func.return %y : tensor<8x4xf32>
}
