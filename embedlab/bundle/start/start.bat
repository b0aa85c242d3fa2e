@echo off
rem Windows: find a Python and run start.py.   start.bat   or   start.bat doctor
pushd "%~dp0"
where py >nul 2>nul
if not errorlevel 1 (
    py -3 start.py %*
    goto end
)
where python >nul 2>nul
if not errorlevel 1 (
    python start.py %*
    goto end
)
echo Python was not found. Install Python 3.12 (python.org), tick "Add python.exe to PATH", and start again.
cmd /c exit 1
:end
set result=%errorlevel%
rem Keep a double-clicked window open. With arguments the output may go into a file, so do not pause.
if not "%result%"=="0" if "%~1"=="" pause
popd
exit /b %result%
