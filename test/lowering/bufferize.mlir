// RUN: dlp-opt %s -p bufferize --split-input-file | filecheck %s

// A kernel writes into the buffer it is given; a reshape of what it writes costs nothing, on either side.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[X:.*]]: memref<8x16xf32>, %[[OUT:.*]]: memref<128xf32>)
// CHECK-SAME:    dlp.num_outputs = 1
// CHECK-NEXT:    %[[V:.*]] = memref.reinterpret_cast %[[OUT]] to offset: [0], sizes: [8, 16], strides: [16, 1]
// CHECK-NEXT:    %[[T:.*]] = memref.alloc() : memref<8x16xf32>
// CHECK-NEXT:    func.call @relu_exp(%[[X]], %[[T]])
// CHECK-NEXT:    func.call @relu_exp(%[[T]], %[[V]])
// CHECK-NEXT:    func.return
func.func @forward(%x: tensor<8x16xf32>) -> tensor<128xf32> {
  %t = func.call @relu_exp(%x) : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %0 = func.call @relu_exp(%t) : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %1 = dlp.reshape ins(%0 : tensor<8x16xf32>) -> tensor<128xf32>
  func.return %1 : tensor<128xf32>
}
// CHECK-LABEL: func.func private @relu_exp
// CHECK-SAME:    (%[[A:.*]]: memref<8x16xf32>, %[[O:.*]]: memref<8x16xf32>)
// CHECK-NEXT:    %[[R:.*]] = memref.alloc() : memref<8x16xf32>
// CHECK-NEXT:    dlp.relu ins(%[[A]] : memref<8x16xf32>) outs(%[[R]] : memref<8x16xf32>)
// CHECK-NEXT:    dlp.exp ins(%[[R]] : memref<8x16xf32>) outs(%[[O]] : memref<8x16xf32>)
// CHECK-NEXT:    func.return
// CHECK-NOT:   func.func
func.func private @relu_exp(%a: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %r = dlp.relu ins(%a : tensor<8x16xf32>) -> tensor<8x16xf32> {dlp.source = "net.py:1"}
  %0 = dlp.exp ins(%r : tensor<8x16xf32>) -> tensor<8x16xf32>
  func.return %0 : tensor<8x16xf32>
}

// -----

// Views become strides of the kernel's argument, one kernel for each; a view that strides cannot say is a kernel
// that copies.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[X:.*]]: memref<8x16xf32>,
// CHECK:         %[[T:.*]] = memref.reinterpret_cast %[[X]] to offset: [0], sizes: [16, 8], strides: [1, 16]
// CHECK-NEXT:    func.call @relu(%[[T]], %{{.*}}) : (memref<16x8xf32, strided<[1, 16]>>, memref<16x8xf32>) -> ()
// CHECK-NEXT:    %[[S0:.*]] = memref.reinterpret_cast %[[X]] to offset: [32], sizes: [16, 2], strides: [1, 16]
// CHECK-NEXT:    %[[C0:.*]] = "memref.cast"(%[[S0]])
// CHECK-SAME:      memref<16x2xf32, strided<[1, 16], offset: 32>>) -> memref<16x2xf32, strided<[1, 16], offset: ?>>
// CHECK-NEXT:    func.call @exp_kernel(%[[C0]], %{{.*}})
// CHECK-NEXT:    %[[F:.*]] = memref.alloc() : memref<128xf32>
// CHECK-NEXT:    func.call @reshape_alone(%[[T]], %[[F]])
// CHECK-NEXT:    func.call @relu_flat(%[[F]], %{{.*}})
func.func @forward(%x: tensor<8x16xf32>) -> (tensor<16x8xf32>, tensor<16x2xf32>, tensor<128xf32>) {
  %t = dlp.transpose ins(%x : tensor<8x16xf32>) -> tensor<16x8xf32> {permutation = array<i64: 1, 0>}
  %0 = func.call @relu(%t) : (tensor<16x8xf32>) -> tensor<16x8xf32>
  %s = dlp.slice ins(%t : tensor<16x8xf32>) -> tensor<16x2xf32> {offsets = array<i64: 0, 2>, steps = array<i64: 1, 1>}
  %1 = func.call @exp_kernel(%s) : (tensor<16x2xf32>) -> tensor<16x2xf32>
  %f = dlp.reshape ins(%t : tensor<16x8xf32>) -> tensor<128xf32>
  %2 = func.call @relu_flat(%f) : (tensor<128xf32>) -> tensor<128xf32>
  func.return %0, %1, %2 : tensor<16x8xf32>, tensor<16x2xf32>, tensor<128xf32>
}
func.func private @relu(%a: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %r = dlp.relu ins(%a : tensor<16x8xf32>) -> tensor<16x8xf32>
  func.return %r : tensor<16x8xf32>
}
func.func private @exp_kernel(%a: tensor<16x2xf32>) -> tensor<16x2xf32> {
  %r = dlp.exp ins(%a : tensor<16x2xf32>) -> tensor<16x2xf32>
  func.return %r : tensor<16x2xf32>
}
func.func private @relu_flat(%a: tensor<128xf32>) -> tensor<128xf32> {
  %r = dlp.relu ins(%a : tensor<128xf32>) -> tensor<128xf32>
  func.return %r : tensor<128xf32>
}

// -----

// A weight that is handed through is no buffer of prepare's; what is returned twice or comes from an argument of a
// kernel is copied.

// CHECK-LABEL: func.func @prepare
// CHECK-SAME:    (%[[W:.*]]: memref<4x2xf32>, %[[B:.*]]: memref<4xf32>, %[[P0:.*]]: memref<8xf32>, %[[P1:.*]]: memref<4xf32>, %[[P2:.*]]: memref<4xf32>)
// CHECK-SAME:    dlp.weights = ["fc.weight", "fc.bias"]
// CHECK-SAME:    dlp.aliases = array<i64: 0, -1, -1>
// CHECK-NEXT:    %[[U:.*]] = memref.alloc
// CHECK-NEXT:    func.call @both(%[[B]], %[[P1]], %[[U]])
// CHECK-NEXT:    func.call @copy_alone(%[[P1]], %[[P2]])
// CHECK-NEXT:    func.return
func.func @prepare() -> (tensor<8xf32>, tensor<4xf32>, tensor<4xf32>) {
  %w = dlp.weight "fc.weight" : tensor<4x2xf32>
  %b = dlp.weight "fc.bias" : tensor<4xf32>
  %0 = dlp.reshape ins(%w : tensor<4x2xf32>) -> tensor<8xf32>
  %1, %2 = func.call @both(%b) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  func.return %0, %1, %1 : tensor<8xf32>, tensor<4xf32>, tensor<4xf32>
}
// CHECK-LABEL: func.func private @both
// CHECK-SAME:    (%[[A:.*]]: memref<4xf32>, %[[O0:.*]]: memref<4xf32>, %[[O1:.*]]: memref<4xf32>)
// CHECK-NEXT:    dlp.exp ins(%[[A]] : memref<4xf32>) outs(%[[O0]] : memref<4xf32>)
// CHECK-NEXT:    dlp.copy ins(%[[A]] : memref<4xf32>) outs(%[[O1]] : memref<4xf32>)
func.func private @both(%a: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = dlp.exp ins(%a : tensor<4xf32>) -> tensor<4xf32>
  func.return %0, %a : tensor<4xf32>, tensor<4xf32>
}

// -----

// What is part of one concatenation is written there; an argument is copied, and so is a part that comes again.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[X:.*]]: memref<4x6xf32>, %[[C:.*]]: memref<16x6xf32>)
// CHECK-NEXT:    %[[A:.*]] = memref.reinterpret_cast %[[C]] to offset: [0], sizes: [4, 6], strides: [6, 1]
// CHECK-NEXT:    func.call @relu(%[[X]], %[[A]])
// CHECK-NEXT:    %[[B:.*]] = memref.reinterpret_cast %[[C]] to offset: [48], sizes: [4, 6], strides: [6, 1]
// CHECK-NEXT:    %[[B1:.*]] = "memref.cast"(%[[B]])
// CHECK-NEXT:    func.call @relu_2(%[[A]], %[[B1]])
// CHECK-NEXT:    %[[P:.*]] = memref.reinterpret_cast %[[C]] to offset: [24], sizes: [4, 6]
// CHECK-NEXT:    %[[P1:.*]] = "memref.cast"(%[[P]])
// CHECK-NEXT:    func.call @copy_alone(%[[X]], %[[P1]])
// CHECK-NEXT:    %[[Q:.*]] = memref.reinterpret_cast %[[C]] to offset: [72], sizes: [4, 6]
// CHECK-NEXT:    %[[Q1:.*]] = "memref.cast"(%[[Q]])
// CHECK-NEXT:    func.call @copy_alone(%[[A]], %[[Q1]])
// CHECK-NEXT:    func.return
func.func @forward(%x: tensor<4x6xf32>) -> tensor<16x6xf32> {
  %a = func.call @relu(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %b = func.call @relu(%a) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %c = func.call @concat(%a, %x, %b, %a) : (tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<16x6xf32>
  func.return %c : tensor<16x6xf32>
}
func.func private @relu(%a: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %0 = dlp.relu ins(%a : tensor<4x6xf32>) -> tensor<4x6xf32>
  func.return %0 : tensor<4x6xf32>
}
func.func private @concat(%a: tensor<4x6xf32>, %b: tensor<4x6xf32>, %c: tensor<4x6xf32>, %d: tensor<4x6xf32>) -> tensor<16x6xf32> {
  %0 = dlp.concat ins(%a, %b, %c, %d : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<16x6xf32> {dimension = 0}
  func.return %0 : tensor<16x6xf32>
}

// -----

// A loop keeps its state in one buffer, which the first state is written into, and writes each step of an output in
// place. The state moves on at the end of a step, when nobody reads the old one any more.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[XS:.*]]: memref<5x4xf32>, %[[H0:.*]]: memref<4xf32>, %[[YS:.*]]: memref<5x4xf32>)
// CHECK-NEXT:    %[[H:.*]] = memref.alloc() : memref<4xf32>
// CHECK-NEXT:    func.call @exp_kernel(%[[H0]], %[[H]])
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK:           %[[X:.*]] = memref.subview %[[XS]][%[[P:.*]], 0] [1, 4] [1, 1]
// CHECK-NEXT:      %[[Y:.*]] = memref.subview %[[YS]][%[[P]], 0] [1, 4] [1, 1]
// CHECK-NEXT:      func.call @step(%[[X]], %[[H]], %[[Y]])
// CHECK-NEXT:      func.call @copy_alone(%[[Y]], %[[H]])
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
func.func @forward(%xs: tensor<5x4xf32>, %h0: tensor<4xf32>) -> tensor<5x4xf32> {
  %first = func.call @exp_kernel(%h0) : (tensor<4xf32>) -> tensor<4xf32>
  %last, %ys = dlp.scan ins(%xs : tensor<5x4xf32>) init(%first : tensor<4xf32>) -> (tensor<4xf32>) outputs (tensor<5x4xf32>) {
  ^bb0(%x: tensor<4xf32>, %h: tensor<4xf32>):
    %n = func.call @step(%x, %h) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dlp.yield %n, %n : tensor<4xf32>, tensor<4xf32>
  }
  func.return %ys : tensor<5x4xf32>
}
func.func private @exp_kernel(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dlp.exp ins(%a : tensor<4xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
func.func private @step(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dlp.add ins(%a, %b : tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
