// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// What must hold of data.

// CHECK-LABEL: @require(
// CHECK: dlp.require ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x3xi1>, tensor<3xi64>, tensor<i64>) -> tensor<2x3xi64> {message = "IndexError: no such row"}
func.func @require(%ok: tensor<2x3xi1>, %x: tensor<3xi64>, %otherwise: tensor<i64>) -> tensor<2x3xi64> {
  %0 = dlp.require ins(%ok, %x, %otherwise : tensor<2x3xi1>, tensor<3xi64>, tensor<i64>) -> tensor<2x3xi64> {message = "IndexError: no such row"}
  func.return %0 : tensor<2x3xi64>
}

// CHECK-LABEL: @check_index(
// CHECK: dlp.check_index ins(%{{.*}} : tensor<7xi32>) -> tensor<7xi32> {size = 5 : i64, negative, message = "IndexError: too far"}
func.func @check_index(%i: tensor<7xi32>) -> tensor<7xi32> {
  %0 = dlp.check_index ins(%i : tensor<7xi32>) -> tensor<7xi32> {size = 5 : i64, negative, message = "IndexError: too far"}
  func.return %0 : tensor<7xi32>
}
