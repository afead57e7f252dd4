@echo off
rem Double click: builds the environment when needed and opens JupyterLab.
chcp 65001 >nul
set "PYTHONUTF8=1"
pushd "%~dp0"
where py >nul 2>nul
if errorlevel 1 (
  python run.py lab %*
) else (
  py -3 run.py lab %*
)
if errorlevel 1 pause
popd
