// RUN: not dlp-opt %s --target=avx2 -t c --split-input-file 2>&1 | filecheck %s

// What has no spelling is named.

// CHECK: in 'unknown': the C printer has no spelling for 'math.ctpop'
func.func @unknown(%x: memref<1xi32>) {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<1xi32>
  %n = math.ctpop %v : i32
  memref.store %n, %x[%c0] : memref<1xi32>
  func.return
}
