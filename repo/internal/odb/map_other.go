//go:build !unix

package odb

import (
	"errors"
	"os"
)

// canMap is whether files are mapped into memory here.
const canMap = false

func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) error { return errors.ErrUnsupported }
