// RUN: dlp-opt %s --target=avx2 -t c | filecheck %s
// RUN: dlp-opt %s --target=avx2 -t c | gcc -x c -std=gnu11 -Wall -Wextra -Werror -fopenmp -march=x86-64-v3 -c -o /dev/null -

// A check leaves the number of its message in a status that the entry point returns; equal messages share a number.

// CHECK:       static void look_up(const int64_t *restrict x, int64_t *restrict y, int threads, int *status) {
// CHECK:           if (!ok)
// CHECK-NEXT:        __atomic_store_n(status, 1, __ATOMIC_RELAXED); /* IndexError: too large */
// CHECK:           if (!positive)
// CHECK-NEXT:        __atomic_store_n(status, 2, __ATOMIC_RELAXED); /* negative * / */
func.func private @look_up(%x: memref<8xi64>, %y: memref<8xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %end = arith.constant 5 : i64
  %zero = arith.constant 0 : i64
  "scf.parallel"(%c0, %c8, %c1) <{operandSegmentSizes = array<i32: 1, 1, 1, 0>}> ({
  ^bb0(%i: index):
    %v = memref.load %x[%i] : memref<8xi64>
    %ok = arith.cmpi slt, %v, %end : i64
    cf.assert %ok, "IndexError: too large"
    %positive = arith.cmpi sge, %v, %zero : i64
    cf.assert %positive, "negative */"
    memref.store %v, %y[%i] : memref<8xi64>
    "scf.reduce"() : () -> ()
  }) : (index, index, index) -> ()
  func.return
}

// What checks nothing has no status.
// CHECK:       static void copy_one(const int64_t *restrict x, int64_t *restrict y) {
func.func private @copy_one(%x: memref<8xi64>, %y: memref<8xi64>) {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<8xi64>
  memref.store %v, %y[%c0] : memref<8xi64>
  func.return
}

// CHECK:       static void again(const int64_t *restrict x, int *status) {
// CHECK:           __atomic_store_n(status, 1, __ATOMIC_RELAXED); /* IndexError: too large */
func.func private @again(%x: memref<8xi64>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i64
  %v = memref.load %x[%c0] : memref<8xi64>
  %ok = arith.cmpi sge, %v, %zero : i64
  cf.assert %ok, "IndexError: too large"
  func.return
}

// CHECK:       static void forward(const int64_t *restrict x, int64_t *restrict y, int threads, int *status) {
// CHECK-NEXT:    look_up(x, y, threads, status);
// CHECK-NEXT:    copy_one(x, y);
// CHECK-NEXT:    again(x, status);
// CHECK:       int dlp_forward(void *const *args, int threads) {
// CHECK-NEXT:    int status = 0;
// CHECK-NEXT:    forward(args[0], args[1], threads, &status);
// CHECK-NEXT:    return status;
// CHECK-NEXT:  }
func.func @forward(%x: memref<8xi64>, %y: memref<8xi64>) {
  func.call @look_up(%x, %y) : (memref<8xi64>, memref<8xi64>) -> ()
  func.call @copy_one(%x, %y) : (memref<8xi64>, memref<8xi64>) -> ()
  func.call @again(%x) : (memref<8xi64>) -> ()
  func.return
}
