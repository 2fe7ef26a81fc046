# `mpirun -n 4 lab load …`: a plugin beside the program, so that the program itself needs no MPI. Built where Open MPI is.
set(MPI_CXX_SKIP_MPICXX TRUE)
find_package(MPI QUIET COMPONENTS CXX)
if(MPI_CXX_FOUND)
  add_library(lab_mpi MODULE ${PROJECT_SOURCE_DIR}/harness/client/load_mpi_plugin.cpp)
  target_include_directories(lab_mpi PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(lab_mpi PRIVATE MPI::MPI_CXX lab_warnings)
  set_target_properties(lab_mpi PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  add_dependencies(programs lab_mpi)
  install(TARGETS lab_mpi LIBRARY DESTINATION lib/lab COMPONENT mpi)  # not in the packages, which would need Open MPI
endif()
