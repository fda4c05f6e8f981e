# What nearly every file reads is compiled once for each way of compiling: it was a quarter of the
# time of a build. Off where files are to be seen to include what they need (sanitizers, fuzzing).
set(MINATO_COMMON_HEADERS
  <fmt/format.h> <fmt/ranges.h> <boost/json.hpp>
  <algorithm> <array> <chrono> <cstdint> <expected> <functional> <map> <memory> <optional> <set>
  <span> <string> <string_view> <tuple> <utility> <variant> <vector>)
foreach(header base/strings base/result base/time env/env kube/names kube/json kube/client
        kube/types/apps kube/types/config kube/types/node kube/types/pod)
  list(APPEND MINATO_COMMON_HEADERS ${CMAKE_SOURCE_DIR}/src/${header}.h)
endforeach()

function(minato_precompile_common_headers target)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "")
  add_library(${target} OBJECT ${source})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${target} PRIVATE fmt::fmt Boost::json minato_warnings)
  target_precompile_headers(${target} PRIVATE ${MINATO_COMMON_HEADERS})
endfunction()
if(MINATO_PRECOMPILE)
  minato_precompile_common_headers(minato_common)
  minato_precompile_common_headers(minato_common_cold)
  minato_cold(minato_common_cold)
endif()

# `common` is the one of the two that is compiled as `target` is.
function(minato_reuse_common_headers target common)
  if(MINATO_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${common})
    # As libraries are compiled, programs too.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
    # A precompiled header holds only for who defines what it was compiled with.
    target_compile_definitions(${target} PRIVATE $<TARGET_PROPERTY:${common},COMPILE_DEFINITIONS>)
  endif()
endfunction()
