# Writes OUT with the version and the commit that is compiled; touches it only when that changed.
#   cmake -DROOT=… -DVERSION=… -DOUT=… -P version.cmake
execute_process(COMMAND git -C ${ROOT} describe --always --dirty --exclude *
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit "no commit")
endif()
set(text "#pragma once\n#define LAB_VERSION \"${VERSION} (${commit})\"\n#define LAB_COMMIT \"${commit}\"\n")
file(CONFIGURE OUTPUT ${OUT} CONTENT "${text}" @ONLY)
