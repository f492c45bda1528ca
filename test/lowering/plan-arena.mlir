// RUN: dlp-opt %s -p plan-arena --split-input-file | filecheck %s
// RUN: dlp-opt %s -p "plan-arena{separate=true}" --split-input-file | filecheck %s --check-prefix=SEPARATE

// %a and %c never live at one time and share their bytes; %b lives beside both. A view keeps its buffer alive.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[X:.*]]: memref<16xf32>, %[[Y:.*]]: memref<16xf32>, %[[ARENA:.*]]: memref<192xi8>)
// CHECK-SAME:    dlp.buffers = array<i64: 192>, dlp.intermediate_bytes = 256 : i64, dlp.largest_live_bytes = 192 : i64
// CHECK-NEXT:    %[[O0:.*]] = arith.constant [[AT:[0-9]+]] : index
// CHECK-NEXT:    %[[A:.*]] = memref.view %[[ARENA]][%[[O0]]][] {dlp.bytes = 64 : i64, dlp.first = 0 : i64, dlp.last = 1 : i64} : memref<192xi8> to memref<16xf32>
// CHECK-NEXT:    func.call @k(%[[X]], %[[A]])
// CHECK-NEXT:    arith.constant
// CHECK-NEXT:    %[[B:.*]] = memref.view {{.*}} {dlp.bytes = 128 : i64, dlp.first = 1 : i64, dlp.last = 3 : i64}
// CHECK:         %[[V:.*]] = memref.reinterpret_cast %[[B]]
// CHECK-NEXT:    func.call @k(%[[A]], %[[V]])
// CHECK-NEXT:    arith.constant [[AT]] : index
// CHECK-NEXT:    %[[C:.*]] = memref.view {{.*}} {dlp.bytes = 64 : i64, dlp.first = 2 : i64, dlp.last = 3 : i64}
// CHECK-NEXT:    func.call @k(%[[X]], %[[C]])
// CHECK-NEXT:    func.call @k3(%[[C]], %[[V]], %[[Y]])
// CHECK-NOT:     memref.alloc

// SEPARATE-LABEL: func.func @forward
// SEPARATE-SAME:    (%{{.*}}: memref<16xf32>, %{{.*}}: memref<16xf32>, %[[A:.*]]: memref<16xf32>, %[[B:.*]]: memref<20xf32>, %[[C:.*]]: memref<16xf32>)
// SEPARATE-SAME:    dlp.buffers = array<i64: 64, 80, 64>
// SEPARATE-NEXT:    func.call @k(%{{.*}}, %[[A]])
// SEPARATE-NOT:     memref.view
func.func @forward(%x: memref<16xf32>, %y: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  func.call @k(%x, %a) : (memref<16xf32>, memref<16xf32>) -> ()
  %b = memref.alloc() : memref<20xf32>
  %v = memref.reinterpret_cast %b to offset: [0], sizes: [16], strides: [1] : memref<20xf32> to memref<16xf32>
  func.call @k(%a, %v) : (memref<16xf32>, memref<16xf32>) -> ()
  %c = memref.alloc() : memref<16xf32>
  func.call @k(%x, %c) : (memref<16xf32>, memref<16xf32>) -> ()
  func.call @k3(%c, %v, %y) : (memref<16xf32>, memref<16xf32>, memref<16xf32>) -> ()
  func.return
}

// What a kernel allocates is not the arena's business.

// CHECK-LABEL: func.func private @k
// CHECK-NEXT:    memref.alloc
func.func private @k(%x: memref<16xf32>, %y: memref<16xf32>) {
  %t = memref.alloc() : memref<16xf32>
  dlp.relu ins(%x : memref<16xf32>) outs(%t : memref<16xf32>)
  dlp.exp ins(%t : memref<16xf32>) outs(%y : memref<16xf32>)
  func.return
}
func.func private @k3(%x: memref<16xf32>, %z: memref<16xf32>, %y: memref<16xf32>) {
  dlp.add ins(%x, %z : memref<16xf32>, memref<16xf32>) outs(%y : memref<16xf32>)
  func.return
}

// -----

// What a loop's steps hand on, and what they read from around it, lives as long as the loop; what one step makes for
// itself shares its place with what the same step needs no more (%t and %u), but not with the state.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    dlp.largest_live_bytes = 192
// CHECK:         %[[S:.*]] = memref.view %{{.*}}[%{{.*}}][] {dlp.bytes = 64 : i64, dlp.first = 0 : i64, dlp.last = 6 : i64}
// CHECK:         scf.for
// CHECK:           %{{.*}} = memref.view %{{.*}}[%{{.*}}][] {dlp.bytes = 64 : i64, dlp.first = 1 : i64, dlp.last = 2 : i64}
// CHECK:           %{{.*}} = memref.view %{{.*}}[%{{.*}}][] {dlp.bytes = 64 : i64, dlp.first = 2 : i64, dlp.last = 3 : i64}
// CHECK:           %{{.*}} = memref.view %{{.*}}[%{{.*}}][] {dlp.bytes = 64 : i64, dlp.first = 3 : i64, dlp.last = 4 : i64}
func.func @forward(%x: memref<16xf32>, %y: memref<16xf32>) {
  %s = memref.alloc() : memref<16xf32>
  func.call @k(%x, %s) : (memref<16xf32>, memref<16xf32>) -> ()
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  scf.for %i = %c0 to %c9 step %c1 {
    %t = memref.alloc() : memref<16xf32>
    func.call @k(%s, %t) : (memref<16xf32>, memref<16xf32>) -> ()
    %u = memref.alloc() : memref<16xf32>
    func.call @k(%t, %u) : (memref<16xf32>, memref<16xf32>) -> ()
    %v = memref.alloc() : memref<16xf32>
    func.call @k(%u, %v) : (memref<16xf32>, memref<16xf32>) -> ()
    func.call @k(%v, %s) : (memref<16xf32>, memref<16xf32>) -> ()
  }
  func.call @k(%s, %y) : (memref<16xf32>, memref<16xf32>) -> ()
  func.return
}
func.func private @k(memref<16xf32>, memref<16xf32>)
