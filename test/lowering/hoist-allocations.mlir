// RUN: dlp-opt %s -p hoist-allocations | filecheck %s

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[X:.*]]: memref<8xf32>, %[[Y:.*]]: memref<8xf32>)
// CHECK-NEXT:    %[[T0:.*]] = memref.alloc() : memref<4xf32>
// CHECK-NEXT:    func.call @k(%[[X]], %[[Y]], %[[T0]])
// CHECK-NEXT:    %[[T1:.*]] = memref.alloc() : memref<4xf32>
// CHECK-NEXT:    func.call @k(%[[Y]], %[[X]], %[[T1]])
func.func @forward(%x: memref<8xf32>, %y: memref<8xf32>) {
  func.call @k(%x, %y) : (memref<8xf32>, memref<8xf32>) -> ()
  func.call @k(%y, %x) : (memref<8xf32>, memref<8xf32>) -> ()
  func.return
}

// Scratch on the stack stays, and so does what a loop allocates for each of its rounds.

// CHECK-LABEL: func.func private @k
// CHECK-SAME:    (%{{.*}}: memref<8xf32>, %{{.*}}: memref<8xf32>, %[[T:.*]]: memref<4xf32>)
// CHECK-NOT:     memref.alloc()
// CHECK:         memref.alloca() : memref<2xf32>
// CHECK:         dlp.constant ins() outs(%[[T]]
// CHECK:         scf.for
// CHECK-NEXT:      memref.alloc() : memref<2xf32>
func.func private @k(%a: memref<8xf32>, %b: memref<8xf32>) {
  %t = memref.alloc() : memref<4xf32>
  %s = memref.alloca() : memref<2xf32>
  dlp.constant ins() outs(%t : memref<4xf32>) {value = 1.0 : f32}
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %c1 step %c1 {
    %u = memref.alloc() : memref<2xf32>
    dlp.constant ins() outs(%u : memref<2xf32>) {value = 1.0 : f32}
  }
  func.return
}
