package model

import (
	"errors"
	"fmt"
)

// ExitCode is what a command ends with. The numbers are a contract with
// scripts and CI.
type ExitCode int

// The exit codes.
const (
	ExitOK            ExitCode = 0
	ExitDifferences   ExitCode = 1
	ExitUsage         ExitCode = 2 // usage or configuration
	ExitWindowClosed  ExitCode = 3
	ExitPlanMoved     ExitCode = 4 // the plan no longer matches what was approved
	ExitLocked        ExitCode = 5
	ExitRolloutFailed ExitCode = 6
	ExitTestsFailed   ExitCode = 7
	ExitRequirements  ExitCode = 8
	ExitUnreachable   ExitCode = 10 // cluster, Git or forge unreachable or refused
	ExitInterrupted   ExitCode = 130
)

// Error is an error that knows which exit code it ends a command with. Its
// text tells the operator what happened, to which object or commit, and what
// to do next.
type Error struct {
	Code ExitCode
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with the code; the format is fmt.Errorf's.
func Errorf(code ExitCode, format string, args ...any) error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// CodeOf is the exit code err asks for: ExitOK for nil, fallback when no
// Error is in its chain.
func CodeOf(err error, fallback ExitCode) ExitCode {
	if err == nil {
		return ExitOK
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fallback
}
