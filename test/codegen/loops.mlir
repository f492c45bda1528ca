// RUN: dlp-opt %s --target=avx2 -t c | filecheck %s

// Loops carry accumulators in named variables, nested loops the same ones; the scalar factor of a multiply-add stays
// a scalar. Parallel loops are OpenMP's, and pass the number of threads down.

// CHECK:       /* matmul 2x24 by 24x8
// CHECK-NEXT:     model.py:7 */
// CHECK-NEXT:  static void product(const float *restrict a, const float *restrict b, float *restrict c, int threads) {
// CHECK-NEXT:    (void)threads;
// CHECK-NEXT:    #pragma omp parallel for num_threads(threads) schedule(static)
// CHECK-NEXT:    for (long m = 0; m < 2; m++) {
// CHECK-NEXT:      f32x8 x = splat_f32x8(0.0f);
// CHECK-NEXT:      for (long ko = 0; ko < 4; ko++) {
// CHECK-NEXT:        for (long ki = 0; ki < 6; ki++) {
// CHECK-NEXT:          float s = a[24 * m + 6 * ko + ki];
// CHECK-NEXT:          f32x8 w = load_f32x8(&b[48 * ko + 8 * ki]);
// CHECK-NEXT:          x += s * w;
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:      store_f32x8(&c[8 * m], x);
// CHECK-NEXT:    }
// CHECK-NEXT:  }
func.func private @product(%a: memref<2x24xf32>, %b: memref<24x8xf32>, %c: memref<2x8xf32>)
    attributes {dlp.comment = "matmul 2x24 by 24x8\nmodel.py:7"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %c6 = arith.constant 6 : index
  %zero = arith.constant dense<0.0> : vector<8xf32>
  "scf.parallel"(%c0, %c2, %c1) <{operandSegmentSizes = array<i32: 1, 1, 1, 0>}> ({
  ^bb0(%m: index):
    %sum = scf.for %ko = %c0 to %c4 step %c1 iter_args(%x = %zero) -> (vector<8xf32>) {
      %inner = scf.for %ki = %c0 to %c6 step %c1 iter_args(%y = %x) -> (vector<8xf32>) {
        %k = affine.apply affine_map<(d0, d1) -> (d0 * 6 + d1)>(%ko, %ki)
        %s = memref.load %a[%m, %k] : memref<2x24xf32>
        %w = vector.load %b[%k, %c0] : memref<24x8xf32>, vector<8xf32>
        %v = vector.broadcast %s : f32 to vector<8xf32>
        %next = vector.fma %v, %w, %y : vector<8xf32>
        scf.yield %next : vector<8xf32>
      }
      scf.yield %inner : vector<8xf32>
    }
    vector.store %sum, %c[%m, %c0] : memref<2x8xf32>, vector<8xf32>
    "scf.reduce"() : () -> ()
  }) : (index, index, index) -> ()
  func.return
}

// CHECK:       static void forward(const float *restrict a, const float *restrict b, float *restrict c, int threads) {
// CHECK-NEXT:    product(a, b, c, threads);
// CHECK-NEXT:  }
// CHECK:       int dlp_forward(void *const *args, int threads) {
// CHECK-NEXT:    forward(args[0], args[1], args[2], threads);
// CHECK-NEXT:    return 0;
// CHECK-NEXT:  }
func.func @forward(%a: memref<2x24xf32>, %b: memref<24x8xf32>, %c: memref<2x8xf32>) {
  func.call @product(%a, %b, %c) : (memref<2x24xf32>, memref<24x8xf32>, memref<2x8xf32>) -> ()
  func.return
}

// A value that is read after its successor is known needs a variable of its own.
// CHECK:       static void prefix(
// CHECK:         for (long i = 0; i < 8; i++) {
// CHECK-NEXT:      float v = x[i];
// CHECK-NEXT:      float next = s + v;
// CHECK-NEXT:      y[i] = s;
// CHECK-NEXT:      s = next;
// CHECK-NEXT:    }
func.func @prefix(%x: memref<8xf32>, %y: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %sum = scf.for %i = %c0 to %c8 step %c1 iter_args(%s = %zero) -> (f32) {
    %v = memref.load %x[%i] : memref<8xf32>
    %next = arith.addf %s, %v : f32
    memref.store %s, %y[%i] : memref<8xf32>
    scf.yield %next : f32
  }
  func.return
}
