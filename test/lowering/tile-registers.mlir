// RUN: dlp-opt -p 'tile-registers{target=avx2}' %s | filecheck %s
// RUN: dlp-opt -p 'tile-registers{target=avx512}' %s | filecheck %s --check-prefix AVX512
// RUN: dlp-opt -p 'tile-registers{target=ve}' %s | filecheck %s --check-prefix VE

// Six rows and two vectors of accumulators fit sixteen registers; bias and relu follow on the same tile.
// CHECK-LABEL: func.func private @matmul
// CHECK: scf.for %n
// CHECK: scf.for %m
// CHECK: dlp.matmul ins({{.*}}) outs(%[[T:.*]] : memref<6x16xf32>) {panel = 16 : i64}
// CHECK-NEXT: %[[B:.*]] = memref.subview
// CHECK-NEXT: dlp.add ins(%[[T]], %[[B]] : memref<6x16xf32>, {{.*}}) outs(%[[U:.*]] : memref<6x16xf32>)
// CHECK-NEXT: dlp.relu ins(%[[U]] : memref<6x16xf32>) outs(%{{.*}} : memref<6x16xf32
// Thirty-two registers of sixteen lanes: more rows.
// AVX512-LABEL: func.func private @matmul
// AVX512: dlp.matmul {{.*}} outs(%{{.*}} : memref<{{1[0-9]|2[0-9]}}x16xf32>)
func.func private @matmul(%a: memref<48x64xf32>, %w: memref<2x64x16xf32>, %b: memref<32xf32>, %y: memref<48x32xf32>) {
  %t = memref.alloc() : memref<48x32xf32>
  dlp.matmul ins(%a, %w : memref<48x64xf32>, memref<2x64x16xf32>) outs(%t : memref<48x32xf32>) {panel = 16}
  %u = memref.alloc() : memref<48x32xf32>
  dlp.add ins(%t, %b : memref<48x32xf32>, memref<32xf32>) outs(%u : memref<48x32xf32>)
  dlp.relu ins(%u : memref<48x32xf32>) outs(%y : memref<48x32xf32>)
  func.return
}

// A value with two readers in loops of their own is computed once, in a loop of its own.
// CHECK-LABEL: func.func private @shared
// CHECK: dlp.exp
// CHECK-NOT: dlp.exp
// CHECK: dlp.sum
// CHECK: dlp.div
func.func private @shared(%x: memref<8x64xf32>, %y: memref<8x64xf32>) {
  %e = memref.alloc() : memref<8x64xf32>
  dlp.exp ins(%x : memref<8x64xf32>) outs(%e : memref<8x64xf32>)
  %s = memref.alloc() : memref<8x1xf32>
  dlp.sum ins(%e : memref<8x64xf32>) outs(%s : memref<8x1xf32>) {dims = array<i64: 1>}
  dlp.div ins(%e, %s : memref<8x64xf32>, memref<8x1xf32>) outs(%y : memref<8x64xf32>)
  func.return
}

// A vector of 256 elements on the Vector Engine, and a rest of 44.
// VE-LABEL: func.func private @long
// VE: dlp.relu ins({{.*}}) outs(%{{.*}} : memref<{{[0-9]+}}xf32
// CHECK-LABEL: func.func private @long
// CHECK: scf.for
// CHECK: dlp.relu ins({{.*}}) outs(%{{.*}} : memref<32xf32
// CHECK: dlp.relu ins({{.*}}) outs(%{{.*}} : memref<12xf32
func.func private @long(%x: memref<300xf32>, %y: memref<300xf32>) {
  dlp.relu ins(%x : memref<300xf32>) outs(%y : memref<300xf32>)
  func.return
}

// Tiles of the result that are none of the operand: rows of nine columns are not rows of six.
// CHECK-LABEL: func.func private @apart
// CHECK-NOT: scf.for
// CHECK: dlp.reshape ins(%{{.*}} : memref<6x6xf32, strided<[7, 1]>>) outs(%{{.*}} : memref<4x9xf32, strided<[10, 1]>>)
func.func private @apart(%x: memref<6x6xf32, strided<[7, 1]>>, %y: memref<4x9xf32, strided<[10, 1]>>) {
  dlp.reshape ins(%x : memref<6x6xf32, strided<[7, 1]>>) outs(%y : memref<4x9xf32, strided<[10, 1]>>)
  func.return
}

// CHECK-LABEL: func.func private @together
// CHECK: scf.for
// CHECK: dlp.reshape ins(%{{.*}} : memref<2x16xf32, {{.*}}>) outs(%{{.*}} : memref<1x32xf32, {{.*}}>)
func.func private @together(%x: memref<12x16xf32, strided<[20, 1]>>, %y: memref<6x32xf32, strided<[40, 1]>>) {
  dlp.reshape ins(%x : memref<12x16xf32, strided<[20, 1]>>) outs(%y : memref<6x32xf32, strided<[40, 1]>>)
  func.return
}

// Lines of 7 pixels: two of them fill the registers, and draw weights half as often; the last line is left over.
// AVX512-LABEL: func.func private @lines
// AVX512: scf.for %c
// AVX512: scf.for %h
// AVX512: dlp.conv {{.*}} outs(%{{.*}} : memref<1x2x7x32xf32,
// AVX512: dlp.conv {{.*}} outs(%{{.*}} : memref<1x1x7x32xf32,
// AVX512-NOT: dlp.conv
func.func private @lines(%x: memref<1x9x9x64xf32>, %w: memref<4x3x3x64x32xf32>, %y: memref<1x7x7x128xf32>) {
  dlp.conv ins(%x, %w : memref<1x9x9x64xf32>, memref<4x3x3x64x32xf32>) outs(%y : memref<1x7x7x128xf32>) {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1, panel = 32}
  func.return
}

// One line of 14 fills them alone.
// AVX512-LABEL: func.func private @one_line
// AVX512: dlp.conv {{.*}} outs(%{{.*}} : memref<1x1x14x32xf32,
// AVX512-NOT: dlp.conv
func.func private @one_line(%x: memref<1x16x16x64xf32>, %w: memref<4x3x3x64x32xf32>, %y: memref<1x14x14x128xf32>) {
  dlp.conv ins(%x, %w : memref<1x16x16x64xf32>, memref<4x3x3x64x32xf32>) outs(%y : memref<1x14x14x128xf32>) {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1, panel = 32}
  func.return
}

// A copy whose operand lies in no rows follows the operand: what is near in it comes first, the result's rows are whole.
// CHECK-LABEL: func.func private @along_operand
// CHECK: scf.for %i3
// CHECK: scf.for %i1
// CHECK: scf.for %i2
// CHECK: scf.for %i4
// CHECK: dlp.copy {{.*}} outs(%{{.*}} : memref<1x1x1x1x32xf32,
func.func private @along_operand(%x: memref<1x7x7x512x128xf32, strided<[3211264, 7, 1, 49, 25088]>>, %y: memref<1x7x7x512x128xf32>) {
  dlp.copy ins(%x : memref<1x7x7x512x128xf32, strided<[3211264, 7, 1, 49, 25088]>>) outs(%y : memref<1x7x7x512x128xf32>)
  func.return
}

// One whose rows are rows of the operand goes through its result.
// CHECK-LABEL: func.func private @along_result
// CHECK: scf.for %i0
// CHECK: scf.for %i1
// CHECK: scf.for %i2
func.func private @along_result(%x: memref<8x16x64xf32, strided<[64, 512, 1]>>, %y: memref<8x16x64xf32>) {
  dlp.copy ins(%x : memref<8x16x64xf32, strided<[64, 512, 1]>>) outs(%y : memref<8x16x64xf32>)
  func.return
}

// Filters as the framework has them are transformed one by one, in a loop; what lies in rows by the vector.
// CHECK-LABEL: func.func private @filters
// CHECK: dlp.winograd_filter_transform {{.*}} outs(%{{.*}} : memref<6x6x1x1xf32,
// CHECK: dlp.winograd_filter_transform {{.*}} outs(%{{.*}} : memref<6x6x1x8xf32,
func.func private @filters(%w: memref<3x3x4x64xf32, strided<[3, 1, 9, 36]>>, %v: memref<3x3x4x64xf32>, %y: memref<6x6x4x64xf32>, %z: memref<6x6x4x64xf32>) {
  dlp.winograd_filter_transform ins(%w : memref<3x3x4x64xf32, strided<[3, 1, 9, 36]>>) outs(%y : memref<6x6x4x64xf32>) {tile = 4 : i64, window = 3 : i64}
  dlp.winograd_filter_transform ins(%v : memref<3x3x4x64xf32>) outs(%z : memref<6x6x4x64xf32>) {tile = 4 : i64, window = 3 : i64}
  func.return
}
