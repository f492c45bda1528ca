// RUN: dlp-opt %s -p plan-arena | filecheck %s
// RUN: dlp-opt %s -p "plan-arena{separate=true}" | filecheck %s --check-prefix=SEPARATE

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
