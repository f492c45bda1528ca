// RUN: dlp-opt %s --verify-diagnostics --split-input-file | filecheck %s

// CHECK-LABEL: func.func @scaled
// CHECK: x86vector.avx512.mask.scalef %a, %a, %n, %k, %rounding : vector<16xf32>
func.func @scaled(%a: vector<16xf32>, %n: vector<16xf32>, %k: i16, %rounding: i32) -> vector<16xf32> {
  %r = x86vector.avx512.mask.scalef %a, %a, %n, %k, %rounding : vector<16xf32>
  func.return %r : vector<16xf32>
}

// -----

func.func @narrow(%a: vector<8xf32>, %n: vector<8xf32>, %k: i16, %rounding: i32) -> vector<8xf32> {
  // expected-error@+1 {{expected a vector of 16 lanes, not vector<8xf32>}}
  %r = x86vector.avx512.mask.scalef %a, %a, %n, %k, %rounding : vector<8xf32>
  func.return %r : vector<8xf32>
}
