// RUN: dlp-opt %s --split-input-file --verify-diagnostics

// What the verifier rejects, and that it names the operand that does not fit.

func.func @broadcast(%a: tensor<2x3xf32>, %b: tensor<4xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{dlp.add: operand 1 (tensor<4xf32>) does not broadcast with shape 2x3}}
  %0 = dlp.add ins(%a, %b : tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// -----

func.func @elements(%a: tensor<3xf32>, %b: tensor<3xi64>) -> tensor<3xf32> {
  // expected-error @below {{dlp.mul: operand 1 has elements of i64, operand 0 of f32}}
  %0 = dlp.mul ins(%a, %b : tensor<3xf32>, tensor<3xi64>) -> tensor<3xf32>
  func.return %0 : tensor<3xf32>
}

// -----

func.func @arity(%a: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @below {{dlp.add: takes 2 operands, has 1}}
  %0 = dlp.add ins(%a : tensor<3xf32>) -> tensor<3xf32>
  func.return %0 : tensor<3xf32>
}

// -----

func.func @result_shape(%a: tensor<3xf32>) -> tensor<4xf32> {
  // expected-error @below {{dlp.exp: the operands give a result of shape 3, but %y is tensor<4xf32>}}
  %y = dlp.exp ins(%a : tensor<3xf32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// -----

func.func @result_element(%a: tensor<3xf32>) -> tensor<3xf64> {
  // expected-error @below {{dlp.exp: the element type is f32, but %y is tensor<3xf64>}}
  %y = dlp.exp ins(%a : tensor<3xf32>) -> tensor<3xf64>
  func.return %y : tensor<3xf64>
}

// -----

func.func @both(%a: memref<3xf32>, %out: memref<3xf32>) {
  // expected-error @below {{dlp.exp: needs exactly one of a result (on tensors) or an `outs` buffer}}
  %0 = dlp.exp ins(%a : memref<3xf32>) outs(%out : memref<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

func.func @scalar(%a: f32) -> tensor<3xf32> {
  // expected-error @below {{dlp.exp: operand 0 (%a) is f32, not a tensor or memref}}
  %0 = dlp.exp ins(%a : f32) -> tensor<3xf32>
  func.return %0 : tensor<3xf32>
}

// -----

func.func @predicate(%a: tensor<3xf32>) -> tensor<3xi1> {
  // expected-error @below {{dlp.compare: predicate "less" is not one of eq, ne, lt, le, gt, ge}}
  %0 = dlp.compare ins(%a, %a : tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1> {predicate = "less"}
  func.return %0 : tensor<3xi1>
}

// -----

func.func @condition(%a: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @below {{dlp.select: operand 0 is tensor<3xf32>, its elements must be i1}}
  %0 = dlp.select ins(%a, %a, %a : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return %0 : tensor<3xf32>
}

// -----

func.func @approximate(%a: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @below {{dlp.gelu: approximate is "exact", not "none" or "tanh"}}
  %0 = dlp.gelu ins(%a : tensor<3xf32>) -> tensor<3xf32> {approximate = "exact"}
  func.return %0 : tensor<3xf32>
}

// -----

func.func @rows(%a: tensor<2x3xf32>, %w: tensor<4x5xf32>) -> tensor<2x5xf32> {
  // expected-error @below {{dlp.matmul: operand 0 (tensor<2x3xf32>) has 3 columns, operand 1 (tensor<4x5xf32>) has 4 rows}}
  %0 = dlp.matmul ins(%a, %w : tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  func.return %0 : tensor<2x5xf32>
}

// -----

func.func @vector_product(%a: tensor<3xf32>, %w: tensor<3x5xf32>) -> tensor<5xf32> {
  // expected-error @below {{dlp.matmul: operands must have at least 2 dimensions, are tensor<3xf32> and tensor<3x5xf32>}}
  %0 = dlp.matmul ins(%a, %w : tensor<3xf32>, tensor<3x5xf32>) -> tensor<5xf32>
  func.return %0 : tensor<5xf32>
}

// -----

func.func @leading(%a: tensor<2x3x4xf32>, %w: tensor<3x4x5xf32>) -> tensor<2x3x5xf32> {
  // expected-error @below {{dlp.matmul: leading dimensions of operand 1 (tensor<3x4x5xf32>) do not broadcast with tensor<2x3x4xf32>}}
  %0 = dlp.matmul ins(%a, %w : tensor<2x3x4xf32>, tensor<3x4x5xf32>) -> tensor<2x3x5xf32>
  func.return %0 : tensor<2x3x5xf32>
}

// -----

func.func @panels(%a: tensor<2x3xf32>, %w: tensor<2x3x4xf32>) -> tensor<2x8xf32> {
  // expected-error @below {{dlp.matmul: operand 1 (tensor<2x3x4xf32>) is not packed in panels of 2}}
  %0 = dlp.matmul ins(%a, %w : tensor<2x3xf32>, tensor<2x3x4xf32>) -> tensor<2x8xf32> {panel = 2 : i64}
  func.return %0 : tensor<2x8xf32>
}

// -----

func.func @too_few_panels(%a: tensor<2x3xf32>, %w: tensor<2x3x4xf32>) -> tensor<2x9xf32> {
  // expected-error @below {{dlp.matmul: the operands tensor<2x3xf32> and tensor<2x3x4xf32>, packed in panels of 4, do not give tensor<2x9xf32>}}
  %0 = dlp.matmul ins(%a, %w : tensor<2x3xf32>, tensor<2x3x4xf32>) -> tensor<2x9xf32> {panel = 4 : i64}
  func.return %0 : tensor<2x9xf32>
}

// -----

func.func @packed_window(%x: tensor<1x5x5x3xf32>, %w: tensor<2x3x3x3x4xf32>) -> tensor<1x5x5x8xf32> {
  // expected-error @below {{dlp.conv: the operands tensor<1x5x5x3xf32> and tensor<2x3x3x3x4xf32>, packed in panels of 4, do not give tensor<1x5x5x8xf32>}}
  %0 = dlp.conv ins(%x, %w : tensor<1x5x5x3xf32>, tensor<2x3x3x3x4xf32>) -> tensor<1x5x5x8xf32> {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "channels_last", panel = 4 : i64, strides = array<i64: 1, 1>}
  func.return %0 : tensor<1x5x5x8xf32>
}

// -----

func.func @channels(%x: tensor<1x3x5x5xf32>, %w: tensor<4x2x3x3xf32>) -> tensor<1x4x3x3xf32> {
  // expected-error @below {{dlp.conv: operand 0 (tensor<1x3x5x5xf32>) has 3 channels, operand 1 (tensor<4x2x3x3xf32>) with 1 groups needs 2}}
  %0 = dlp.conv ins(%x, %w : tensor<1x3x5x5xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x3x3xf32> {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "channels_first", strides = array<i64: 1, 1>}
  func.return %0 : tensor<1x4x3x3xf32>
}

// -----

func.func @window(%x: tensor<1x2x2x5xf32>, %w: tensor<4x2x3x3xf32>) -> tensor<1x4x1x3xf32> {
  // expected-error @below {{dlp.conv: operand 0 (tensor<1x2x2x5xf32>) is smaller than the window (3, 3)}}
  %0 = dlp.conv ins(%x, %w : tensor<1x2x2x5xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x1x3xf32> {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "channels_first", strides = array<i64: 1, 1>}
  func.return %0 : tensor<1x4x1x3xf32>
}

// -----

func.func @layout(%x: tensor<1x2x5x5xf32>, %w: tensor<4x2x3x3xf32>) -> tensor<1x4x3x3xf32> {
  // expected-error @below {{dlp.conv: layout "nchw" is not "channels_first" or "channels_last"}}
  %0 = dlp.conv ins(%x, %w : tensor<1x2x5x5xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x3x3xf32> {dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nchw", strides = array<i64: 1, 1>}
  func.return %0 : tensor<1x4x3x3xf32>
}

// -----

func.func @uneven_groups(%x: tensor<1x4x5x5xf32>, %w: tensor<3x2x3x3xf32>) -> tensor<1x3x3x3xf32> {
  // expected-error @below {{dlp.conv: operand 1 (tensor<3x2x3x3xf32>) has 3 output channels, which 2 groups do not divide}}
  %0 = dlp.conv ins(%x, %w : tensor<1x4x5x5xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x3x3xf32> {dilations = array<i64: 1, 1>, groups = 2 : i64, layout = "channels_first", strides = array<i64: 1, 1>}
  func.return %0 : tensor<1x3x3x3xf32>
}

// -----

func.func @rank(%x: tensor<1x2x5xf32>) -> tensor<1x2x4xf32> {
  // expected-error @below {{dlp.max_pool: kernel, strides and dilations do not fit operand 0 (tensor<1x2x5xf32>)}}
  %0 = dlp.max_pool ins(%x : tensor<1x2x5xf32>) -> tensor<1x2x4xf32> {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, layout = "channels_first", strides = array<i64: 1, 1>}
  func.return %0 : tensor<1x2x4xf32>
}

// -----

func.func @dims(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{dlp.sum: dims [2] are not dimensions of operand 0 (tensor<2x3xf32>)}}
  %0 = dlp.sum ins(%x : tensor<2x3xf32>) -> tensor<2x3xf32> {dims = array<i64: 2>}
  func.return %0 : tensor<2x3xf32>
}

// -----

func.func @size(%x: tensor<2x3xf32>) -> tensor<5xf32> {
  // expected-error @below {{dlp.reshape: operand 0 (tensor<2x3xf32>) and tensor<5xf32> differ in size}}
  %0 = dlp.reshape ins(%x : tensor<2x3xf32>) -> tensor<5xf32>
  func.return %0 : tensor<5xf32>
}

// -----

func.func @permutation(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{dlp.transpose: [0, 0] is no permutation of the dimensions of operand 0 (tensor<2x3xf32>)}}
  %0 = dlp.transpose ins(%x : tensor<2x3xf32>) -> tensor<2x3xf32> {permutation = array<i64: 0, 0>}
  func.return %0 : tensor<2x3xf32>
}

// -----

func.func @outside(%x: tensor<5xf32>) -> tensor<3xf32> {
  // expected-error @below {{dlp.slice: dimension 0 reads 1 to 5 of operand 0 (tensor<5xf32>)}}
  %0 = dlp.slice ins(%x : tensor<5xf32>) -> tensor<3xf32> {offsets = array<i64: 1>, steps = array<i64: 2>}
  func.return %0 : tensor<3xf32>
}

// -----

func.func @slice_rank(%x: tensor<5xf32>) -> tensor<1x3xf32> {
  // expected-error @below {{dlp.slice: operand 0 (tensor<5xf32>) and tensor<1x3xf32> differ in rank}}
  %0 = dlp.slice ins(%x : tensor<5xf32>) -> tensor<1x3xf32> {offsets = array<i64: 0>, steps = array<i64: 1>}
  func.return %0 : tensor<1x3xf32>
}

// -----

func.func @repeated(%x: tensor<2xf32>) -> tensor<4xf32> {
  // expected-error @below {{dlp.broadcast: operand 0 (tensor<2xf32>) does not broadcast to tensor<4xf32>}}
  %0 = dlp.broadcast ins(%x : tensor<2xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// -----

func.func @crop(%x: tensor<4xf32>) -> tensor<3xf32> {
  // expected-error @below {{dlp.pad: low and high must not be negative (a slice crops)}}
  %0 = dlp.pad ins(%x : tensor<4xf32>) -> tensor<3xf32> {high = array<i64: -1>, low = array<i64: 0>, value = 0.0 : f32}
  func.return %0 : tensor<3xf32>
}

// -----

func.func @parts(%x: tensor<2x3xf32>, %y: tensor<4x3xf32>) -> tensor<2x6xf32> {
  // expected-error @below {{dlp.concat: operand 1 (tensor<4x3xf32>) does not fit operand 0 (tensor<2x3xf32>)}}
  %0 = dlp.concat ins(%x, %y : tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<2x6xf32> {dimension = 1 : i64}
  func.return %0 : tensor<2x6xf32>
}

// -----

func.func @index(%x: tensor<4x3xf32>, %i: tensor<2xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{dlp.gather: operand 1 (tensor<2xf32>) must hold integers}}
  %0 = dlp.gather ins(%x, %i : tensor<4x3xf32>, tensor<2xf32>) -> tensor<2x3xf32> {dimension = 0 : i64}
  func.return %0 : tensor<2x3xf32>
}

// -----

func.func @statistics(%x: tensor<2x3xf32>, %s: tensor<4xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{dlp.batch_norm: operand 1 (tensor<4xf32>) must have the 3 channels of operand 0 (tensor<2x3xf32>)}}
  %0 = dlp.batch_norm ins(%x, %s, %s, %s, %s : tensor<2x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x3xf32> {eps = 1.0e-05 : f64}
  func.return %0 : tensor<2x3xf32>
}

// -----

func.func @conv_transpose_channels(%x: tensor<1x4x5xf32>, %w: tensor<3x4x2xf32>) -> tensor<1x4x6xf32> {
  // expected-error @below {{dlp.conv_transpose: operand 0 (tensor<1x4x5xf32>) must have the channels of operand 1 (tensor<3x4x2xf32>), a multiple of 1 groups}}
  %0 = dlp.conv_transpose ins(%x, %w : tensor<1x4x5xf32>, tensor<3x4x2xf32>) -> tensor<1x4x6xf32> {dilations = array<i64: 1>, groups = 1 : i64, output_padding = array<i64: 0>, padding = array<i64: 0>, strides = array<i64: 1>}
  func.return %0 : tensor<1x4x6xf32>
}

// -----

func.func @conv_transpose_of_nothing(%x: tensor<1x4x1xf32>, %w: tensor<4x4x2xf32>) -> tensor<1x4x1xf32> {
  // expected-error @below {{dlp.conv_transpose: nothing of operand 0 (tensor<1x4x1xf32>) is left by the padding}}
  %0 = dlp.conv_transpose ins(%x, %w : tensor<1x4x1xf32>, tensor<4x4x2xf32>) -> tensor<1x4x1xf32> {dilations = array<i64: 1>, groups = 1 : i64, output_padding = array<i64: 0>, padding = array<i64: 1>, strides = array<i64: 1>}
  func.return %0 : tensor<1x4x1xf32>
}

// -----

func.func @softmax_dimension(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{dlp.softmax: 2 is no dimension of operand 0 (tensor<2x3xf32>)}}
  %0 = dlp.softmax ins(%x : tensor<2x3xf32>) -> tensor<2x3xf32> {dimension = 2 : i64}
  func.return %0 : tensor<2x3xf32>
}

// -----

func.func @norm_weight(%x: tensor<2x3xf32>, %w: tensor<2xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{dlp.layer_norm: operand 1 (tensor<2xf32>) must have the last 1 dimensions of operand 0 (tensor<2x3xf32>)}}
  %0 = dlp.layer_norm ins(%x, %w : tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32> {eps = 1.0e-05 : f64, has_weight, rank = 1 : i64}
  func.return %0 : tensor<2x3xf32>
}

// -----

func.func @keys(%q: tensor<3x8xf32>, %k: tensor<5x6xf32>, %v: tensor<5x4xf32>) -> tensor<3x4xf32> {
  // expected-error @below {{dlp.attention: operand 1 (tensor<5x6xf32>) must have the 8 columns of operand 0 (tensor<3x8xf32>)}}
  %0 = dlp.attention ins(%q, %k, %v : tensor<3x8xf32>, tensor<5x6xf32>, tensor<5x4xf32>) -> tensor<3x4xf32> {scale = 1.0 : f64}
  func.return %0 : tensor<3x4xf32>
}

// -----

func.func @values(%q: tensor<3x8xf32>, %k: tensor<5x8xf32>, %v: tensor<6x4xf32>) -> tensor<3x4xf32> {
  // expected-error @below {{dlp.attention: operand 2 (tensor<6x4xf32>) must have the 5 rows of operand 1 (tensor<5x8xf32>)}}
  %0 = dlp.attention ins(%q, %k, %v : tensor<3x8xf32>, tensor<5x8xf32>, tensor<6x4xf32>) -> tensor<3x4xf32> {scale = 1.0 : f64}
  func.return %0 : tensor<3x4xf32>
}

// -----

func.func @heads(%q: tensor<4x3x8xf32>, %k: tensor<3x5x8xf32>, %v: tensor<3x5x4xf32>) -> tensor<4x3x4xf32> {
  // expected-error @below {{dlp.attention: the heads of operand 1 (tensor<3x5x8xf32>) and operand 2 (tensor<3x5x4xf32>) must be as many, and divide those of operand 0 (tensor<4x3x8xf32>)}}
  %0 = dlp.attention ins(%q, %k, %v : tensor<4x3x8xf32>, tensor<3x5x8xf32>, tensor<3x5x4xf32>) -> tensor<4x3x4xf32> {scale = 1.0 : f64}
  func.return %0 : tensor<4x3x4xf32>
}

// -----

func.func @group_arguments(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @below {{dlp.fused: the region's arguments do not have the types of the operands}}
  %0 = dlp.fused ins(%x : tensor<3xf32>) -> tensor<3xf32> {
  ^bb0(%a: tensor<3xf64>):
    dlp.yield %a : tensor<3xf64>
  }
  func.return %0 : tensor<3xf32>
}

// -----

func.func @group_results(%x: tensor<3xf32>) -> tensor<4xf32> {
  // expected-error @below {{dlp.fused: the yielded types are not those of the results}}
  %0 = dlp.fused ins(%x : tensor<3xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<3xf32>):
    dlp.yield %a : tensor<3xf32>
  }
  func.return %0 : tensor<4xf32>
}

// -----

func.func @condition(%a: tensor<3xi8>, %x: tensor<3xi64>) -> tensor<3xi64> {
  // expected-error @below {{dlp.require: operand 0 is tensor<3xi8>, its elements must be i1}}
  %0 = dlp.require ins(%a, %x, %x : tensor<3xi8>, tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64> {message = "?"}
  func.return %0 : tensor<3xi64>
}

// -----

func.func @scan_steps(%a: tensor<5x3xf32>, %b: tensor<4x3xf32>) -> tensor<5x3xf32> {
  // expected-error @below {{dlp.scan: operand 1 (tensor<4x3xf32>) is no sequence of 5 steps, as operand 0 is}}
  %0 = dlp.scan ins(%a, %b : tensor<5x3xf32>, tensor<4x3xf32>) init() -> () outputs (tensor<5x3xf32>) {
  ^bb0(%x: tensor<3xf32>, %y: tensor<3xf32>):
    dlp.yield %x : tensor<3xf32>
  }
  func.return %0 : tensor<5x3xf32>
}

// -----

func.func @scan_argument(%a: tensor<5x3xf32>, %s: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @below {{dlp.scan: argument 1 of the body is tensor<4xf32>, not tensor<3xf32>}}
  %0 = dlp.scan ins(%a : tensor<5x3xf32>) init(%s : tensor<3xf32>) -> (tensor<3xf32>) outputs () {
  ^bb0(%x: tensor<3xf32>, %y: tensor<4xf32>):
    dlp.yield %x : tensor<3xf32>
  }
  func.return %0 : tensor<3xf32>
}

// -----

func.func @scan_yield(%a: tensor<5x3xf32>, %s: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @below {{dlp.scan: the yielded types are not those of the states and of slices of the outputs}}
  %0 = dlp.scan ins(%a : tensor<5x3xf32>) init(%s : tensor<3xf32>) -> (tensor<3xf32>) outputs () {
  ^bb0(%x: tensor<3xf32>, %y: tensor<3xf32>):
    dlp.yield %x, %y : tensor<3xf32>, tensor<3xf32>
  }
  func.return %0 : tensor<3xf32>
}

// -----

func.func @take_dimension(%x: tensor<3x4xf32>, %i: tensor<2x4xi64>) -> tensor<2x4xf32> {
  // expected-error @below {{dlp.take_along: 2 is no dimension of operand 0 (tensor<3x4xf32>)}}
  %0 = dlp.take_along ins(%x, %i : tensor<3x4xf32>, tensor<2x4xi64>) -> tensor<2x4xf32> {dimension = 2 : i64}
  func.return %0 : tensor<2x4xf32>
}

// -----

func.func @take_larger(%x: tensor<3x4xf32>, %i: tensor<2x5xi64>) -> tensor<2x5xf32> {
  // expected-error @below {{dlp.take_along: operand 1 (tensor<2x5xi64>) is larger than operand 0 (tensor<3x4xf32>)}}
  %0 = dlp.take_along ins(%x, %i : tensor<3x4xf32>, tensor<2x5xi64>) -> tensor<2x5xf32> {dimension = 0 : i64}
  func.return %0 : tensor<2x5xf32>
}

// -----

func.func @scatter_index(%x: tensor<3x4xf32>, %i: tensor<2x4xf32>, %u: tensor<2x4xf32>) -> tensor<3x4xf32> {
  // expected-error @below {{dlp.scatter: operand 1 (tensor<2x4xf32>) must hold integers}}
  %0 = dlp.scatter ins(%x, %i, %u : tensor<3x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<3x4xf32> {dimension = 0 : i64}
  func.return %0 : tensor<3x4xf32>
}

// -----

func.func @scatter_sizes(%x: tensor<3x4xf32>, %i: tensor<2x3xi64>, %u: tensor<2x4xf32>) -> tensor<3x4xf32> {
  // expected-error @below {{dlp.scatter: operand 1 (tensor<2x3xi64>) must have the sizes of operand 2 (tensor<2x4xf32>), or 1}}
  %0 = dlp.scatter ins(%x, %i, %u : tensor<3x4xf32>, tensor<2x3xi64>, tensor<2x4xf32>) -> tensor<3x4xf32> {dimension = 0 : i64}
  func.return %0 : tensor<3x4xf32>
}

// -----

func.func @scatter_larger(%x: tensor<3x4xf32>, %i: tensor<2x1xi64>, %u: tensor<2x5xf32>) -> tensor<3x4xf32> {
  // expected-error @below {{dlp.scatter: operand 2 (tensor<2x5xf32>) is larger than operand 0 (tensor<3x4xf32>)}}
  %0 = dlp.scatter ins(%x, %i, %u : tensor<3x4xf32>, tensor<2x1xi64>, tensor<2x5xf32>) -> tensor<3x4xf32> {dimension = 0 : i64}
  func.return %0 : tensor<3x4xf32>
}

// -----

func.func @scatter_combine(%x: tensor<3x4xf32>, %i: tensor<2x4xi64>, %u: tensor<2x4xf32>) -> tensor<3x4xf32> {
  // expected-error @below {{dlp.scatter: combine is "sub", not one of add, mul, maximum, minimum}}
  %0 = dlp.scatter ins(%x, %i, %u : tensor<3x4xf32>, tensor<2x4xi64>, tensor<2x4xf32>) -> tensor<3x4xf32> {combine = "sub", dimension = 0 : i64}
  func.return %0 : tensor<3x4xf32>
}

// -----

func.func @cumulate_kind(%x: tensor<3xi64>) -> tensor<3xi64> {
  // expected-error @below {{dlp.cumulate: kind "logaddexp" is not for the elements of operand 0 (tensor<3xi64>)}}
  %0 = dlp.cumulate ins(%x : tensor<3xi64>) -> tensor<3xi64> {dimension = 0 : i64, kind = "logaddexp"}
  func.return %0 : tensor<3xi64>
}

// -----

func.func @argsort_dimension(%x: tensor<3xf32>) -> tensor<3xi64> {
  // expected-error @below {{dlp.argsort: -1 is no dimension of operand 0 (tensor<3xf32>)}}
  %0 = dlp.argsort ins(%x : tensor<3xf32>) -> tensor<3xi64> {dimension = -1 : i64}
  func.return %0 : tensor<3xi64>
}

// -----

func.func @top_k_size(%x: tensor<3xf32>) -> tensor<4xi64> {
  // expected-error @below {{dlp.top_k: k is 4, and dimension 0 of operand 0 (tensor<3xf32>) has 3}}
  %0 = dlp.top_k ins(%x : tensor<3xf32>) -> tensor<4xi64> {dimension = 0 : i64, k = 4 : i64}
  func.return %0 : tensor<4xi64>
}

// -----

func.func @search_rows(%r: tensor<2x3xf32>, %v: tensor<3x5xf32>) -> tensor<3x5xi64> {
  // expected-error @below {{dlp.search_sorted: operand 0 (tensor<2x3xf32>) has no row for operand 1 (tensor<3x5xf32>)}}
  %0 = dlp.search_sorted ins(%r, %v : tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<3x5xi64>
  func.return %0 : tensor<3x5xi64>
}

// -----

func.func @pool_window(%x: tensor<1x1x3xf32>) -> tensor<1x1x1xi64> {
  // expected-error @below {{dlp.max_pool_places: operand 0 (tensor<1x1x3xf32>) is smaller than the window (4,)}}
  %0 = dlp.max_pool_places ins(%x : tensor<1x1x3xf32>) -> tensor<1x1x1xi64> {dilations = array<i64: 1>, high = array<i64: 0>, kernel = array<i64: 4>, low = array<i64: 0>, strides = array<i64: 1>}
  func.return %0 : tensor<1x1x1xi64>
}

// -----

func.func @shift_floats(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @below {{dlp.shift_left: operand 0 is tensor<3xf32>, its elements must be integers}}
  %0 = dlp.shift_left ins(%x, %x : tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return %0 : tensor<3xf32>
}

// -----

func.func @index_of_nothing(%i: tensor<3xi64>) -> tensor<3xi64> {
  // expected-error @below {{dlp.check_index: the size is 0, not at least 1}}
  %0 = dlp.check_index ins(%i : tensor<3xi64>) -> tensor<3xi64> {message = "?", size = 0 : i64}
  func.return %0 : tensor<3xi64>
}

// -----

func.func @two_sizes() -> tensor<i64> {
  // expected-error @below {{dlp.size: takes no operands and one size, has #dlp.dims<[2 : i64, 3 : i64]}}
  %0 = dlp.size ins() -> tensor<i64> {size = #dlp.dims<[2, 3], [], {}>}
  func.return %0 : tensor<i64>
}

// -----

// expected-error @below {{1 sizes and 1 strides for 2 dimensions}}
func.func @sizes_of_too_few_dimensions(%x: tensor<?x8xf32, #dlp.dims<["s0"], [], {s0 = 9}>>) {
  func.return
}

// -----

// expected-error @below {{dimension 0 is 4 in the type and s0 beside it}}
func.func @open_and_known(%x: tensor<4x8xf32, #dlp.dims<["s0", 8], [], {s0 = 9}>>) {
  func.return
}

// -----

// expected-error @below {{'s0' is no size over the symbols (none)}}
func.func @unknown_symbol(%x: tensor<?x8xf32, #dlp.dims<["s0", 8], [], {}>>) {
  func.return
}

// -----

// expected-error @below {{the size -s0 of dimension 0 is negative}}
func.func @negative_size(%x: tensor<?x8xf32, #dlp.dims<["-1 * s0", 8], [], {s0 = 9}>>) {
  func.return
}
