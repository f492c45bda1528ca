// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// Element-wise ops: what is printed is read back, in both forms.

// CHECK-LABEL: @add(
// CHECK: dlp.add ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @add(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.add ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @sub(
// CHECK: dlp.sub ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @sub(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.sub ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @mul(
// CHECK: dlp.mul ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @mul(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.mul ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @div(
// CHECK: dlp.div ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @div(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.div ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @rem(
// CHECK: dlp.rem ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @rem(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.rem ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @pow(
// CHECK: dlp.pow ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @pow(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.pow ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @maximum(
// CHECK: dlp.maximum ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @maximum(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.maximum ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @minimum(
// CHECK: dlp.minimum ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @minimum(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.minimum ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @and(
// CHECK: dlp.and ins(%{{.*}}, %{{.*}} : tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
func.func @and(%a: tensor<2x3xi1>, %b: tensor<3xi1>) -> tensor<2x3xi1> {
  %0 = dlp.and ins(%a, %b : tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  func.return %0 : tensor<2x3xi1>
}

// CHECK-LABEL: @or(
// CHECK: dlp.or ins(%{{.*}}, %{{.*}} : tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
func.func @or(%a: tensor<2x3xi1>, %b: tensor<3xi1>) -> tensor<2x3xi1> {
  %0 = dlp.or ins(%a, %b : tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  func.return %0 : tensor<2x3xi1>
}

// CHECK-LABEL: @xor(
// CHECK: dlp.xor ins(%{{.*}}, %{{.*}} : tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
func.func @xor(%a: tensor<2x3xi1>, %b: tensor<3xi1>) -> tensor<2x3xi1> {
  %0 = dlp.xor ins(%a, %b : tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  func.return %0 : tensor<2x3xi1>
}

// CHECK-LABEL: @neg(
// CHECK: dlp.neg ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @neg(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.neg ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @abs(
// CHECK: dlp.abs ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @abs(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.abs ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @exp(
// CHECK: dlp.exp ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @exp(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.exp ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @log(
// CHECK: dlp.log ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @log(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.log ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @sqrt(
// CHECK: dlp.sqrt ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @sqrt(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.sqrt ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @rsqrt(
// CHECK: dlp.rsqrt ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @rsqrt(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.rsqrt ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @reciprocal(
// CHECK: dlp.reciprocal ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @reciprocal(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.reciprocal ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @tanh(
// CHECK: dlp.tanh ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @tanh(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.tanh ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @erf(
// CHECK: dlp.erf ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @erf(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.erf ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @sin(
// CHECK: dlp.sin ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @sin(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.sin ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @cos(
// CHECK: dlp.cos ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @cos(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.cos ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @floor(
// CHECK: dlp.floor ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @floor(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.floor ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @ceil(
// CHECK: dlp.ceil ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @ceil(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.ceil ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @trunc(
// CHECK: dlp.trunc ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @trunc(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.trunc ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @round(
// CHECK: dlp.round ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @round(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.round ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @relu(
// CHECK: dlp.relu ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @relu(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.relu ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @clamp(
// CHECK: dlp.clamp ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32> {high = 1.000000e+00 : f64, low = -5.000000e-01 : f64}
func.func @clamp(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.clamp ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32> {high = 1.000000e+00 : f64, low = -5.000000e-01 : f64}
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @sigmoid(
// CHECK: dlp.sigmoid ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @sigmoid(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.sigmoid ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @silu(
// CHECK: dlp.silu ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @silu(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.silu ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @gelu(
// CHECK: dlp.gelu ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32> {approximate = "none"}
func.func @gelu(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.gelu ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32> {approximate = "none"}
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @hardsigmoid(
// CHECK: dlp.hardsigmoid ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @hardsigmoid(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.hardsigmoid ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @hardswish(
// CHECK: dlp.hardswish ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @hardswish(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.hardswish ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @compare(
// CHECK: dlp.compare ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1> {predicate = "lt"}
func.func @compare(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xi1> {
  %0 = dlp.compare ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1> {predicate = "lt"}
  func.return %0 : tensor<2x3xi1>
}

// CHECK-LABEL: @select(
// CHECK: dlp.select ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x3xi1>, tensor<3xf32>, tensor<f32>) -> tensor<2x3xf32>
func.func @select(%a: tensor<2x3xi1>, %b: tensor<3xf32>, %c: tensor<f32>) -> tensor<2x3xf32> {
  %0 = dlp.select ins(%a, %b, %c : tensor<2x3xi1>, tensor<3xf32>, tensor<f32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @cast(
// CHECK: dlp.cast ins(%{{.*}} : tensor<2x3xf32>) -> tensor<2x3xf64>
func.func @cast(%a: tensor<2x3xf32>) -> tensor<2x3xf64> {
  %0 = dlp.cast ins(%a : tensor<2x3xf32>) -> tensor<2x3xf64>
  func.return %0 : tensor<2x3xf64>
}

// CHECK-LABEL: @constant(
// CHECK: dlp.constant ins() -> tensor<2x3xf32> {value = 1.500000e+00 : f32}
func.func @constant() -> tensor<2x3xf32> {
  %0 = dlp.constant ins() -> tensor<2x3xf32> {value = 1.500000e+00 : f32}
  func.return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @iota(
// CHECK: dlp.iota ins() -> tensor<2x3xi64> {dimension = 1 : i64}
func.func @iota() -> tensor<2x3xi64> {
  %0 = dlp.iota ins() -> tensor<2x3xi64> {dimension = 1 : i64}
  func.return %0 : tensor<2x3xi64>
}

// CHECK-LABEL: @compare_ge_i64(
// CHECK: dlp.compare ins(%{{.*}}, %{{.*}} : tensor<4xi64>, tensor<4xi64>) -> tensor<4xi1> {predicate = "ge"}
func.func @compare_ge_i64(%a: tensor<4xi64>, %b: tensor<4xi64>) -> tensor<4xi1> {
  %0 = dlp.compare ins(%a, %b : tensor<4xi64>, tensor<4xi64>) -> tensor<4xi1> {predicate = "ge"}
  func.return %0 : tensor<4xi1>
}

// CHECK-LABEL: @cast_f32_to_i1(
// CHECK: dlp.cast ins(%{{.*}} : tensor<5xf32>) -> tensor<5xi1>
func.func @cast_f32_to_i1(%a: tensor<5xf32>) -> tensor<5xi1> {
  %0 = dlp.cast ins(%a : tensor<5xf32>) -> tensor<5xi1>
  func.return %0 : tensor<5xi1>
}

// CHECK-LABEL: @gelu_tanh(
// CHECK: dlp.gelu ins(%{{.*}} : tensor<5xf32>) -> tensor<5xf32> {approximate = "tanh"}
func.func @gelu_tanh(%a: tensor<5xf32>) -> tensor<5xf32> {
  %0 = dlp.gelu ins(%a : tensor<5xf32>) -> tensor<5xf32> {approximate = "tanh"}
  func.return %0 : tensor<5xf32>
}

// CHECK-LABEL: @add_both_broadcast(
// CHECK: dlp.add ins(%{{.*}}, %{{.*}} : tensor<2x1x3xf32>, tensor<4x1xf32>) -> tensor<2x4x3xf32>
func.func @add_both_broadcast(%a: tensor<2x1x3xf32>, %b: tensor<4x1xf32>) -> tensor<2x4x3xf32> {
  %0 = dlp.add ins(%a, %b : tensor<2x1x3xf32>, tensor<4x1xf32>) -> tensor<2x4x3xf32>
  func.return %0 : tensor<2x4x3xf32>
}

// CHECK-LABEL: @size(
// CHECK: dlp.size ins() -> tensor<i64> {size = #dlp.dims<["s0 + 1"], [], {s0 = 9 : i64}>}
func.func @size(%x: tensor<?xf32, #dlp.dims<["s0"], [], {s0 = 9}>>) -> tensor<i64> {
  %0 = dlp.size ins() -> tensor<i64> {size = #dlp.dims<["s0 + 1"], [], {s0 = 9}>}
  func.return %0 : tensor<i64>
}
