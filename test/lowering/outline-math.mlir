// RUN: dlp-opt %s -p outline-math | filecheck %s
// RUN: dlp-opt %s -p outline-math --target=avx2 -t c | filecheck %s --check-prefix=C
// RUN: dlp-opt %s -p outline-math --target=avx512 | filecheck %s --check-prefix=SCALEF

// One function for each name and width, called wherever the operation was.

// CHECK-LABEL: func.func @f32
func.func @f32(%x: memref<8xf32>, %y: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %v = vector.load %x[%c0] : memref<8xf32>, vector<8xf32>
  // CHECK: %[[A:.*]] = func.call @exp_f32x8(%{{.*}}) : (vector<8xf32>) -> vector<8xf32>
  // CHECK-NEXT: %[[B:.*]] = func.call @exp_f32x8(%[[A]]) : (vector<8xf32>) -> vector<8xf32>
  // CHECK-NEXT: func.call @erf_f32x8(%[[B]])
  %a = math.exp %v : vector<8xf32>
  %b = math.exp %a : vector<8xf32>
  %c = math.erf %b : vector<8xf32>
  vector.store %c, %y[%c0] : memref<8xf32>, vector<8xf32>
  // CHECK: %[[S:.*]] = memref.load
  // CHECK-NEXT: func.call @tanh_f32(%[[S]]) : (f32) -> f32
  %s = memref.load %x[%c0] : memref<8xf32>
  %t = math.tanh %s : f32
  // CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
  // CHECK-NEXT: %[[ROOT:.*]] = math.sqrt
  // CHECK-NEXT: arith.divf %[[ONE]], %[[ROOT]]
  %r = math.rsqrt %t : f32
  memref.store %r, %y[%c0] : memref<8xf32>
  func.return
}

// C: static inline __attribute__((always_inline)) f32x8 exp_f32x8(f32x8 x) {
// C: f32x8 a = exp_f32x8(v);

// Doubles and functions that C's library serves well enough keep their operation.

// CHECK-LABEL: func.func @others
func.func @others(%x: memref<4xf64>) {
  %c0 = arith.constant 0 : index
  %v = vector.load %x[%c0] : memref<4xf64>, vector<4xf64>
  // CHECK: math.exp %{{.*}} : vector<4xf64>
  // C: f64x4 e = exp_lanes_f64x4(
  %e = math.exp %v : vector<4xf64>
  // CHECK-NEXT: math.sin
  %s = math.sin %e : vector<4xf64>
  vector.store %s, %x[%c0] : memref<4xf64>, vector<4xf64>
  func.return
}

// Full vectors are scaled by a power of two in one instruction where there is one; narrower ones are not.

// SCALEF-LABEL: func.func @full
func.func @full(%x: memref<16xf32>) {
  %c0 = arith.constant 0 : index
  %v = vector.load %x[%c0] : memref<16xf32>, vector<16xf32>
  %e = math.exp %v : vector<16xf32>
  vector.store %e, %x[%c0] : memref<16xf32>, vector<16xf32>
  func.return
}

// SCALEF: func.func private @exp_f32x8(
// SCALEF-NOT: x86vector
// SCALEF: func.func private @exp_f32x16(
// SCALEF: %[[Y:.*]] = x86vector.avx512.mask.scalef %{{.*}}, %{{.*}}, %n, %{{.*}}, %{{.*}} : vector<16xf32>
// SCALEF-NEXT: func.return %[[Y]]

// CHECK: func.func private @exp_f32x8(%{{.*}}: vector<8xf32>) -> vector<8xf32> {
// CHECK: func.func private @erf_f32x8(
// CHECK: func.func private @tanh_f32(
// CHECK: func.func private @exp_f32x16(
// CHECK-NOT: x86vector
// CHECK-NOT: func.func
