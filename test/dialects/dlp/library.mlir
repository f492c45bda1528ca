// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// Functions of C's library: what is printed is read back, in both forms.

// CHECK-LABEL: @asin(
// CHECK: dlp.asin ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @asin(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.asin ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @acos(
// CHECK: dlp.acos ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @acos(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.acos ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @atan(
// CHECK: dlp.atan ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @atan(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.atan ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @sinh(
// CHECK: dlp.sinh ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @sinh(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.sinh ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @cosh(
// CHECK: dlp.cosh ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @cosh(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.cosh ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @asinh(
// CHECK: dlp.asinh ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @asinh(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.asinh ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @acosh(
// CHECK: dlp.acosh ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @acosh(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.acosh ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @atanh(
// CHECK: dlp.atanh ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @atanh(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.atanh ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @tan(
// CHECK: dlp.tan ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @tan(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.tan ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @atan2(
// CHECK: dlp.atan2 ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @atan2(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.atan2 ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @copysign(
// CHECK: dlp.copysign ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @copysign(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.copysign ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}
