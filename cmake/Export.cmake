# Arms as the source of other people's servers. What lies beside main.py and server.js are real files, which the
# program carries within itself.
set(LAB_EXPORTED work.py jobs.py lab_stamps.py wsgi_stamps.py asyncio_worker.py work.js lab_stamps.js pieces.py pieces.js)
list(TRANSFORM LAB_EXPORTED PREPEND ${PROJECT_SOURCE_DIR}/scenarios/export/)
list(JOIN LAB_EXPORTED "|" exported_files)
add_custom_command(
  OUTPUT ${PROJECT_BINARY_DIR}/exported_files.cpp
  COMMAND ${CMAKE_COMMAND} -DOUT=${PROJECT_BINARY_DIR}/exported_files.cpp "-DFILES=${exported_files}"
          -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${LAB_EXPORTED} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  VERBATIM)
set_source_files_properties(${PROJECT_BINARY_DIR}/exported_files.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
lab_module(export FOLDERS scenarios/export SOURCES ${PROJECT_BINARY_DIR}/exported_files.cpp DEPENDS lab_core lab_scenarios)
