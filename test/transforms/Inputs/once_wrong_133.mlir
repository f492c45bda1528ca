builtin.module {
  func.func @forward(%0: tensor<2x3x4xf32>, %1: tensor<2x3x4xf32>) -> (tensor<1x2x6x7xf32>, tensor<1x11x2xf32>, tensor<2x2x6x2x1xf32>, tensor<1x8x3x1xf32>) {
    %2 = dlp.broadcast ins(%1 : tensor<2x3x4xf32>) -> tensor<2x2x3x4xf32>
    %3 = dlp.weight "w1" : tensor<4x11xf32>
    %4 = dlp.matmul ins(%1, %3 : tensor<2x3x4xf32>, tensor<4x11xf32>) -> tensor<2x3x11xf32>
    %5 = dlp.reshape ins(%0 : tensor<2x3x4xf32>) -> tensor<2x6x2xf32>
    %6 = dlp.concat ins(%5, %5 : tensor<2x6x2xf32>, tensor<2x6x2xf32>) -> tensor<4x6x2xf32> {dimension = 0 : i64}
    %7 = dlp.weight "w2" : tensor<f32>
    %8 = dlp.mul ins(%4, %7 : tensor<2x3x11xf32>, tensor<f32>) -> tensor<2x3x11xf32>
    %9 = dlp.reshape ins(%5 : tensor<2x6x2xf32>) -> tensor<1x2x6x2xf32>
    %10 = dlp.reshape ins(%4 : tensor<2x3x11xf32>) -> tensor<2x33x1x1xf32>
    %11 = dlp.concat ins(%5, %5 : tensor<2x6x2xf32>, tensor<2x6x2xf32>) -> tensor<2x12x2xf32> {dimension = 1 : i64}
    %12 = dlp.concat ins(%9, %9 : tensor<1x2x6x2xf32>, tensor<1x2x6x2xf32>) -> tensor<1x2x6x4xf32> {dimension = 3 : i64}
    %13 = dlp.concat ins(%11, %11 : tensor<2x12x2xf32>, tensor<2x12x2xf32>) -> tensor<2x24x2xf32> {dimension = 1 : i64}
    %14 = dlp.sub ins(%11, %11 : tensor<2x12x2xf32>, tensor<2x12x2xf32>) -> tensor<2x12x2xf32>
    %15 = dlp.transpose ins(%14 : tensor<2x12x2xf32>) -> tensor<2x2x12xf32> {permutation = array<i64: 0, 2, 1>}
    %16 = dlp.transpose ins(%12 : tensor<1x2x6x4xf32>) -> tensor<1x4x6x2xf32> {permutation = array<i64: 0, 3, 2, 1>}
    %17 = dlp.weight "w3" : tensor<4x7xf32>
    %18 = dlp.matmul ins(%12, %17 : tensor<1x2x6x4xf32>, tensor<4x7xf32>) -> tensor<1x2x6x7xf32>
    %19 = dlp.slice ins(%14 : tensor<2x12x2xf32>) -> tensor<1x11x2xf32> {offsets = array<i64: 0, 1, 0>, steps = array<i64: 2, 1, 1>}
    %20 = dlp.reshape ins(%16 : tensor<1x4x6x2xf32>) -> tensor<1x4x6x2xf32>
    %21 = dlp.reshape ins(%16 : tensor<1x4x6x2xf32>) -> tensor<2x2x6x2x1xf32>
    %22 = dlp.weight "w4" : tensor<8x2x1x1xf32>
    %23 = dlp.conv ins(%20, %22 : tensor<1x4x6x2xf32>, tensor<8x2x1x1xf32>) -> tensor<1x8x3x1xf32> {layout = "channels_first", strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, groups = 2 : i64}
    func.return %18, %19, %21, %23 : tensor<1x2x6x7xf32>, tensor<1x11x2xf32>, tensor<2x2x6x2x1xf32>, tensor<1x8x3x1xf32>
  }
}

