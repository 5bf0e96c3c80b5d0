# postern_module(<name> LAYER base|core|shell|app SOURCES … DEPS … LIBS … TESTS … SLOW_TESTS … FUZZ … BENCH …)
#
# One library, its unit tests and its fuzz targets from one call. The layer rule
# of ARCHITECTURE.md is checked here, at configure time: a module may depend only
# on modules of its own layer or a lower one, only on those added before it, and
# only on those the rule names for it.

set(POSTERN_LAYERS base core shell app)

# Who may know whom (ARCHITECTURE.md, "Who may depend on whom"). Every module may know base.
set(POSTERN_MAY_dns)
set(POSTERN_MAY_policy dns)
set(POSTERN_MAY_cache dns)
set(POSTERN_MAY_event dns policy)
set(POSTERN_MAY_intel dns policy)
set(POSTERN_MAY_config dns policy intel)
set(POSTERN_MAY_net dns)
set(POSTERN_MAY_resolve dns net)
set(POSTERN_MAY_sqlite)
set(POSTERN_MAY_journal dns policy event sqlite)
set(POSTERN_MAY_state dns policy event sqlite)
set(POSTERN_MAY_feeds dns policy event intel net)
set(POSTERN_MAY_devices dns policy)
set(POSTERN_MAY_windows)
set(POSTERN_MAY_exchange windows dns policy event intel)
set(POSTERN_MAY_exposure dns event intel)
set(POSTERN_MAY_files)
set(POSTERN_MAY_host files windows exchange sqlite)
set(POSTERN_MAY_evidence files sqlite)
set(POSTERN_MAY_survey dns resolve exposure sqlite)
set(POSTERN_MAY_server dns policy cache event net resolve)
set(POSTERN_MAY_api dns policy event intel net journal state)
set(POSTERN_MAY_app dns policy cache event intel config net resolve journal state feeds devices server api windows exchange exposure files host evidence survey)

# Seconds. Instrumented code is many times slower, and a machine may be busy.
set(POSTERN_TEST_TIMEOUT 120)
if(POSTERN_SANITIZE)
  set(POSTERN_TEST_TIMEOUT 900)
endif()

set(POSTERN_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
    -Woverloaded-virtual -Werror)

if(POSTERN_SANITIZE)
  add_compile_options(-fsanitize=${POSTERN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # g++ 12 sees through instrumented code badly, and warns of what cannot be; the other presets keep these warnings.
  add_compile_options(-Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized)
  add_link_options(-fsanitize=${POSTERN_SANITIZE})
endif()
if(POSTERN_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer)
  # clang sees libstdc++ 12's std::stable_sort use what libstdc++ 12 calls deprecated.
  add_compile_options(-Wno-deprecated-declarations)
  add_link_options(-fsanitize=address,undefined)
endif()

function(postern_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LAYER"
                        "SOURCES;DEPS;LIBS;TESTS;SLOW_TESTS;TEST_LIBS;FUZZ;BENCH")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${name}: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  list(FIND POSTERN_LAYERS "${arg_LAYER}" rank)
  if(rank EQUAL -1)
    message(FATAL_ERROR "${name}: LAYER must be one of ${POSTERN_LAYERS}")
  endif()

  add_library(postern_${name} STATIC ${arg_SOURCES})
  add_library(postern::${name} ALIAS postern_${name})
  set_target_properties(postern_${name} PROPERTIES POSTERN_RANK ${rank})
  target_include_directories(postern_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_compile_options(postern_${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${POSTERN_WARNINGS}>)
  target_link_libraries(postern_${name} PUBLIC Threads::Threads PRIVATE fmt::fmt ${arg_LIBS})

  foreach(dep IN LISTS arg_DEPS)
    if(NOT TARGET postern_${dep})
      message(FATAL_ERROR "${name} depends on ${dep}, which is not added before it")
    endif()
    get_target_property(dep_rank postern_${dep} POSTERN_RANK)
    if(dep_rank GREATER rank)
      message(FATAL_ERROR "layer rule: ${name} (${arg_LAYER}) may not depend on ${dep}")
    endif()
    if(NOT dep STREQUAL base AND NOT dep IN_LIST POSTERN_MAY_${name})
      message(FATAL_ERROR "layer rule: ${name} may not know ${dep}; see cmake/module.cmake")
    endif()
    target_link_libraries(postern_${name} PUBLIC postern_${dep})
  endforeach()

  if(POSTERN_TESTS AND (arg_TESTS OR arg_SLOW_TESTS))
    add_executable(${name}_test ${arg_TESTS} ${arg_SLOW_TESTS})
    target_compile_options(${name}_test PRIVATE ${POSTERN_WARNINGS})
    target_compile_definitions(${name}_test PRIVATE
      POSTERN_SOURCE_DIR="${PROJECT_SOURCE_DIR}" POSTERN_BINARY_DIR="${PROJECT_BINARY_DIR}")
    target_link_libraries(${name}_test PRIVATE postern_${name} fmt::fmt GTest::gtest_main ${arg_LIBS}
                          ${arg_TEST_LIBS})
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 120
                         PROPERTIES TIMEOUT ${POSTERN_TEST_TIMEOUT})
  endif()

  foreach(fuzz IN LISTS arg_FUZZ)
    get_filename_component(target ${fuzz} NAME_WE)
    if(NOT POSTERN_TESTS AND NOT POSTERN_FUZZ)
      continue()
    endif()
    add_executable(${target} ${fuzz})
    target_link_libraries(${target} PRIVATE postern_${name} fmt::fmt)
    if(POSTERN_FUZZ)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else() # Without libFuzzer the target replays its corpus, as a test.
      target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/replay_corpus.cpp)
      add_test(NAME ${target}.corpus
               COMMAND ${target} ${PROJECT_SOURCE_DIR}/tests/corpus/${target})
      set_tests_properties(${target}.corpus PROPERTIES TIMEOUT ${POSTERN_TEST_TIMEOUT})
    endif()
  endforeach()

  if(POSTERN_BENCH)
    foreach(bench IN LISTS arg_BENCH)
      find_package(benchmark REQUIRED)
      get_filename_component(target ${bench} NAME_WE)
      add_executable(${target} ${bench})
      target_link_libraries(${target} PRIVATE postern_${name} fmt::fmt benchmark::benchmark_main)
    endforeach()
  endif()
endfunction()
