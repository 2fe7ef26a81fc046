# LAB_SANITIZE=address (with undefined) or thread.
set(LAB_SANITIZE "" CACHE STRING "address, thread or empty")
if(LAB_SANITIZE STREQUAL "address")
  # The check of vptr probes memory through a pipe, and takes a sound object for a broken one where a test leaves no
  # descriptor for it.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined -fno-sanitize=vptr)
  # Asio recycles coroutine frames and small blocks; recycled memory hides use after free.
  add_compile_definitions(BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING)
  # Where clang's libFuzzer is, the fuzzers (tests/fuzz) are made of the same objects, so nothing is compiled twice.
  file(GLOB libfuzzers /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-${CMAKE_SYSTEM_PROCESSOR}.a)
  if(libfuzzers AND LAB_TESTS)
    list(GET libfuzzers 0 LAB_LIBFUZZER)
    set(LAB_COUNTED -fsanitize-coverage=trace-pc,trace-cmp)  # of modules (cmake/Modules.cmake), not of their tests
    add_library(lab_coverage STATIC tests/fuzz/coverage.cpp)
    set_target_properties(lab_coverage PROPERTIES POSITION_INDEPENDENT_CODE ON)
    link_libraries(lab_coverage)
  endif()
elseif(LAB_SANITIZE STREQUAL "thread")
  # GCC warns that TSan does not see atomic_thread_fence; Asio uses it.
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
  add_link_options(-fsanitize=thread)
elseif(NOT LAB_SANITIZE STREQUAL "")
  message(FATAL_ERROR "LAB_SANITIZE is '${LAB_SANITIZE}'; use address, thread or nothing")
endif()
