// RUN: dlp-opt %s --target=avx2 -t c | filecheck %s
// RUN: dlp-opt %s --target=scalar -t c | filecheck %s --check-prefix=WITHOUT
// RUN: dlp-opt %s --target=avx512 -t c | filecheck %s --check-prefix=KINDS

// One of two compared operands is one instruction where the target spells it, and the comparison has no text.
// CHECK-LABEL: void larger(
// CHECK:         f32x8 v = __builtin_ia32_maxps256(a, b);
// CHECK-NEXT:    store_f32x8(m, v);
// WITHOUT-LABEL: void larger(
// WITHOUT:         select_f32x8(
func.func @larger(%m: memref<8xf32>, %n: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %a = vector.load %m[%c0] : memref<8xf32>, vector<8xf32>
  %b = vector.load %n[%c0] : memref<8xf32>, vector<8xf32>
  %test = arith.cmpf ogt, %a, %b : vector<8xf32>
  %v = arith.select %test, %a, %b : vector<8xi1>, vector<8xf32>
  vector.store %v, %m[%c0] : memref<8xf32>, vector<8xf32>
  func.return
}

// With the operands exchanged it is the other one; what else uses the comparison keeps it.
// CHECK-LABEL: void smaller(
// CHECK:         i32x8 test = a > b;
// CHECK-NEXT:    f32x8 v = __builtin_ia32_minps256(b, a);
// CHECK-NEXT:    f32x8 w = select_f32x8(test, a, c);
func.func @smaller(%m: memref<8xf32>, %n: memref<8xf32>, %o: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %a = vector.load %m[%c0] : memref<8xf32>, vector<8xf32>
  %b = vector.load %n[%c0] : memref<8xf32>, vector<8xf32>
  %c = vector.load %o[%c0] : memref<8xf32>, vector<8xf32>
  %test = arith.cmpf ogt, %a, %b : vector<8xf32>
  %v = arith.select %test, %b, %a : vector<8xi1>, vector<8xf32>
  %w = arith.select %test, %a, %c : vector<8xi1>, vector<8xf32>
  vector.store %v, %m[%c0] : memref<8xf32>, vector<8xf32>
  vector.store %w, %n[%c0] : memref<8xf32>, vector<8xf32>
  func.return
}

// NaN stays and of zeros the sign is the bound's, so a bound of zero is a selection; another one is the first operand.
// CHECK-LABEL: void bounds(
// CHECK:         f32x8 least = at_least_f32x8(a, 0.0f);
// CHECK-NEXT:    f32x8 most = __builtin_ia32_minps256(splat_f32x8(6.0f), least);
func.func @bounds(%m: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : vector<8xf32>
  %six = arith.constant dense<6.0> : vector<8xf32>
  %a = vector.load %m[%c0] : memref<8xf32>, vector<8xf32>
  %least = arith.maximumf %a, %zero : vector<8xf32>
  %most = arith.minimumf %least, %six : vector<8xf32>
  vector.store %most, %m[%c0] : memref<8xf32>, vector<8xf32>
  func.return
}

// Unordered comparisons choose NaN otherwise, f64 is not spelled.
// CHECK-LABEL: void others(
// CHECK:         select_f32x8(
// CHECK:         select_f64x4(
func.func @others(%m: memref<8xf32>, %n: memref<8xf32>, %p: memref<4xf64>, %q: memref<4xf64>) {
  %c0 = arith.constant 0 : index
  %a = vector.load %m[%c0] : memref<8xf32>, vector<8xf32>
  %b = vector.load %n[%c0] : memref<8xf32>, vector<8xf32>
  %c = vector.load %p[%c0] : memref<4xf64>, vector<4xf64>
  %d = vector.load %q[%c0] : memref<4xf64>, vector<4xf64>
  %unordered = arith.cmpf ugt, %a, %b : vector<8xf32>
  %v = arith.select %unordered, %a, %b : vector<8xi1>, vector<8xf32>
  %wide = arith.cmpf ogt, %c, %d : vector<4xf64>
  %w = arith.select %wide, %c, %d : vector<4xi1>, vector<4xf64>
  vector.store %v, %m[%c0] : memref<8xf32>, vector<8xf32>
  vector.store %w, %p[%c0] : memref<4xf64>, vector<4xf64>
  func.return
}

// Compilers call the instruction by different names: a function chooses.
// KINDS:         f32x16 greater_f32x16(f32x16 a, f32x16 b) {
// KINDS-NEXT:    #ifdef __clang__
// KINDS-NEXT:      return __builtin_ia32_maxps512(a, b, 4);
// KINDS-NEXT:    #else
// KINDS-NEXT:      return __builtin_ia32_maxps512_mask(a, b, a, -1, 4);
// KINDS-NEXT:    #endif
// KINDS-LABEL: void full(
// KINDS:         f32x16 v = greater_f32x16(a, b);
func.func @full(%m: memref<16xf32>, %n: memref<16xf32>) {
  %c0 = arith.constant 0 : index
  %a = vector.load %m[%c0] : memref<16xf32>, vector<16xf32>
  %b = vector.load %n[%c0] : memref<16xf32>, vector<16xf32>
  %test = arith.cmpf ogt, %a, %b : vector<16xf32>
  %v = arith.select %test, %a, %b : vector<16xi1>, vector<16xf32>
  vector.store %v, %m[%c0] : memref<16xf32>, vector<16xf32>
  func.return
}
