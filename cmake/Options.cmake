# Compiler, warnings, sanitizers and linker: everything that applies to all targets of ours.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Checks stay in. For line numbers: -DCMAKE_BUILD_TYPE=RelWithDebInfo, which takes a tenth longer.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

option(MINATO_TESTS "Build the tests" ON)
option(MINATO_BENCH "Build the benchmarks" ON)
option(MINATO_UNITY "Compile the files of a module together: quicker from nothing, slower after one change" ON)
option(MINATO_FUZZ "Build the fuzz targets instead, with clang" OFF)
option(MINATO_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)

if(MINATO_SANITIZE OR MINATO_FUZZ)
  set(MINATO_PRECOMPILE OFF)
else()
  option(MINATO_PRECOMPILE "Compile the most common headers once" ON)
endif()

find_program(MINATO_CCACHE ccache)
if(MINATO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without it, nothing that uses a precompiled header would be kept.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${MINATO_CCACHE})
endif()
find_program(MINATO_MOLD mold)
if(MINATO_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Same arithmetic on every compiler: simulation traces must not depend on contraction.
add_compile_options(-ffp-contract=off)

add_library(minato_warnings INTERFACE)
target_compile_options(minato_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual -Wformat=2 -Wimplicit-fallthrough -Wundef
  # Designated initialisers exist to leave defaults alone.
  -Wno-missing-field-initializers)

# Seconds that a test may take; some thirty of them are usual for the longest.
set(MINATO_TEST_TIMEOUT 120)
if(MINATO_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "libFuzzer comes with clang: `make fuzz` chooses it")
  endif()
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1")
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  # GCC's std::expected asks for a date of concepts that clang does not say.
  add_compile_options(-Wno-builtin-macro-redefined -D__cpp_concepts=202002L)
  add_link_options(-fsanitize=address,undefined)
elseif(MINATO_SANITIZE)
  # Checked code takes several times as long to run, and at -O2 as long again to compile.
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1")
  set(MINATO_TEST_TIMEOUT 1200)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
else()
  add_compile_options(-fstack-protector-strong)
  add_compile_definitions($<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
