// scenarios/export writes the server of an arm as a program of somebody else's: FastAPI, WSGI or Node. The
// program may use it.
#pragma once

#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// Whose server an arm is written for.
enum class ExportTarget { fastapi, node };

struct SourceFile {
  std::string name;
  std::string text;
};

enum class PythonLoop { asyncio, uvloop };  ///< of Python's event loop
enum class Workers {
  uvicorn,
  gunicorn
};  ///< who supervises the workers (gunicorn with uvicorn's worker class)

struct ExportChoice {
  PythonLoop loop = PythonLoop::asyncio;
  Workers workers = Workers::uvicorn;
};

/// An arm as the source of somebody else's server.
struct ExportedServer {
  std::vector<SourceFile> files;  ///< the readable one first (main.py, server.js), then what lies beside it
  std::vector<std::string> arguments;  ///< after the interpreter, with stamps; `{port}` stands for the port
  std::string by_hand;                 ///< what a student types: `uvicorn main:app --workers 4`
  std::vector<std::string> modules;    ///< Python modules that must be installed
  Arm arm;                             ///< as this server really executes it, for the model
};

/// May be asked to see that such a server answers; any status will do. A path that no application here knows:
/// the question must not begin a request's work.
constexpr const char* kReadyPath = "/favicon.ico";

/// A server, and its runtime where there are several of one arm: `uvloop`, `gunicorn`.
struct ExportedVariant {
  std::string runtime;
  ExportedServer server;
};

/// The server of one arm. Error: why this arm has no meaning there, as a reason to print.
Result<ExportedServer> export_server(const Scenario& scenario, const Arm& arm, ExportTarget target,
                                     const ExportChoice& choice = {});
/// All of one arm: FastAPI's once for asyncio and once for uvloop; of several workers with gunicorn too.
Result<std::vector<ExportedVariant>> export_variants(const Scenario& scenario, const Arm& arm,
                                                     ExportTarget target);

}  // namespace lab
