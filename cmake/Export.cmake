# Arms as the source of other people's servers. What lies beside main.py and server.js are real files, which the
# program carries within itself.
set(LAB_EXPORTED work.py jobs.py lab_stamps.py wsgi_stamps.py asyncio_worker.py work.js lab_stamps.js pieces.py pieces.js)
set(exported_files "")
foreach(file IN LISTS LAB_EXPORTED)
  file(READ ${PROJECT_SOURCE_DIR}/scenarios/export/${file} text)
  string(APPEND exported_files "    {\"${file}\", R\"~~~(${text})~~~\"},\n")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scenarios/export/${file})
endforeach()
configure_file(scenarios/export/exported_files.cpp.in ${PROJECT_BINARY_DIR}/exported_files.cpp @ONLY)
set_source_files_properties(${PROJECT_BINARY_DIR}/exported_files.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
lab_module(export FOLDERS scenarios/export SOURCES ${PROJECT_BINARY_DIR}/exported_files.cpp DEPENDS lab_core lab_scenarios)
