// RUN: dlp-opt %s --split-input-file --verify-diagnostics | filecheck %s
// RUN: dlp-opt %s --split-input-file --verify-diagnostics --mlir-print-op-generic | filecheck %s --check-prefix GENERIC

// CHECK-LABEL: func.func @both_ways
// CHECK: memref.prefetch %w[%i, %j], read, locality<2>, data : memref<8x16xf32>
// CHECK: memref.prefetch %w[%j, %i], write, locality<0>, instr : memref<8x16xf32>
// GENERIC: "memref.prefetch"(%w, %i, %j) <{isWrite = false, localityHint = 2 : i32, isDataCache = true}>
func.func @both_ways(%w: memref<8x16xf32>, %i: index, %j: index) {
  memref.prefetch %w[%i, %j], read, locality<2>, data : memref<8x16xf32>
  memref.prefetch %w[%j, %i], write, locality<0>, instr : memref<8x16xf32>
  func.return
}

// -----

func.func @too_few(%w: memref<8x16xf32>, %i: index) {
  // expected-error@+1 {{expected an index for each dimension}}
  memref.prefetch %w[%i], read, locality<2>, data : memref<8x16xf32>
  func.return
}

// -----

func.func @too_near(%w: memref<8xf32>, %i: index) {
  // expected-error@+1 {{expected a locality of 0 to 3, not 4}}
  memref.prefetch %w[%i], read, locality<4>, data : memref<8xf32>
  func.return
}
