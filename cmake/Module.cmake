# Most of the time of a file goes into the types of the Kubernetes API, which nearly all files share:
# several of them are compiled as one.
function(minato_compile_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${MINATO_UNITY} UNITY_BUILD_BATCH_SIZE 6)
  # An unnamed namespace is not that of a header here.
  target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
endfunction()

# COLD: what runs once for each thing that a person does, and tests. Compiles a fifth quicker with
# less optimization, and nobody waits for it.
function(minato_cold target)
  target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O1>)
endfunction()

# minato_module(NAME  [COLD]  SRCS a.cc …  [DEPS base env …]  [LIBS third::party …]  [TESTS a_test.cc …]
#               [TEST_DEPS sim …] [TEST_LABELS root …])
#
# One module of src/: a static library minato_<name> (or an interface library when it has no
# sources) and, with TESTS, one test program <name>_test registered with ctest test by test.
# DEPS are modules of ours and say what this one may include; tools/tidy.py checks that they point
# to lower layers only.
function(minato_module name)
  cmake_parse_arguments(ARG "COLD" "" "SRCS;DEPS;LIBS;TESTS;TEST_DEPS;TEST_LABELS" ${ARGN})
  set(target minato_${name})
  list(TRANSFORM ARG_DEPS PREPEND minato_ OUTPUT_VARIABLE deps)
  if(ARG_SRCS)
    add_library(${target} STATIC ${ARG_SRCS})
    minato_compile_together(${target})
    if(ARG_COLD)
      minato_cold(${target})
      minato_reuse_common_headers(${target} minato_common_cold)
    else()
      minato_reuse_common_headers(${target} minato_common)
    endif()
    target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${target} PUBLIC ${deps} fmt::fmt PRIVATE minato_warnings ${ARG_LIBS})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${target} INTERFACE ${deps} fmt::fmt)
  endif()
  if(ARG_TESTS AND MINATO_TESTS)
    minato_test(${name}_test SRCS ${ARG_TESTS} DEPS ${name} ${ARG_TEST_DEPS} LIBS ${ARG_LIBS}
                LABELS ${ARG_TEST_LABELS})
  endif()
endfunction()

# minato_test(NAME SRCS … DEPS modules … [LIBS …] [LABELS …])
function(minato_test name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;LIBS;LABELS" ${ARGN})
  list(TRANSFORM ARG_DEPS PREPEND minato_ OUTPUT_VARIABLE deps)
  add_executable(${name} ${ARG_SRCS})
  minato_compile_together(${name})
  minato_cold(${name})
  minato_reuse_common_headers(${name} minato_common_cold)
  target_link_libraries(${name} PRIVATE ${deps} ${ARG_LIBS} minato_warnings GTest::gmock_main)
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${MINATO_TEST_TIMEOUT})
endfunction()
