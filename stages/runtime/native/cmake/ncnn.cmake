# ncnn's static library from its source package, with the layers that pnnx writes for pictures and
# sounds; some minutes of building. Name AIWF_NCNN, the unpacked folder of:
#
#   ncnn-1.0.20261020.tar.gz (Python package index)
#   sha256 ad8cdd63e9755cfa8e23b9b6d9ce46156077d80298a89e7c3ba325ffccfca200
enable_language(CXX)
foreach(feature BENCHMARK TOOLS EXAMPLES TESTS)
  set(NCNN_BUILD_${feature} OFF CACHE BOOL "" FORCE)
endforeach()
foreach(feature VULKAN OPENMP INSTALL_SDK PYTHON SIMPLEOCV PIXEL PIXEL_ROTATE PIXEL_AFFINE PIXEL_DRAWING
        BF16)
  set(NCNN_${feature} OFF CACHE BOOL "" FORCE)
endforeach()
set(NCNN_DISABLE_RTTI ON CACHE BOOL "" FORCE)
set(NCNN_DISABLE_EXCEPTION ON CACHE BOOL "" FORCE)
set(wanted
  absval batchnorm bias binaryop cast clip concat convolution convolution1d convolutiondepthwise
  convolutiondepthwise1d crop deconvolution deconvolutiondepthwise dequantize dropout elu expanddims
  flatten gelu gemm hardsigmoid hardswish innerproduct input interp layernorm matmul memorydata mish
  noop normalize packing padding permute pooling pooling1d prelu quantize reduction relu requantize
  reshape scale shufflechannel sigmoid slice softmax softplus split squeeze swish tanh unaryop)
file(GLOB layers RELATIVE ${AIWF_NCNN}/src/layer ${AIWF_NCNN}/src/layer/*.cpp)
foreach(file ${layers})
  string(REPLACE ".cpp" "" layer ${file})
  if(NOT layer IN_LIST wanted)
    set(WITH_LAYER_${layer} OFF CACHE BOOL "" FORCE)
  endif()
endforeach()
add_subdirectory(${AIWF_NCNN} ${CMAKE_BINARY_DIR}/ncnn EXCLUDE_FROM_ALL)
