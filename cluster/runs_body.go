package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/fairtide-dev/fairtide/model"
)

// begunReason is read from a record whose list of objects was never written.
const begunReason = "it ended while its record was being made: nothing was applied"

// runBody is the content of a run's record. What the run is stays legible; only
// the long list of objects is packed.
func runBody(run model.Run) (recordBody, error) {
	run = bounded(run)
	body := newRecordBody()
	if err := body.put(runKey, run); err != nil {
		return body, err
	}
	if _, plain := body.data[runKey]; plain {
		return body, nil
	}
	objects := run.Objects
	run.Objects, body = []model.RunObject{}, newRecordBody()
	body.data[recordFormatKey] = splitFormat
	if err := body.put(runKey, run); err != nil {
		return body, err
	}
	return body, body.put(objectsKey, objects)
}

// decodeRun reads a record and its parts.
func (c *Client) decodeRun(ctx context.Context, env string, u *unstructured.Unstructured) (model.Run, error) {
	var run model.Run
	body, u, err := c.loadBody(ctx, u)
	if err == nil {
		c.runs.noteSplit(u.GetName(), body)
		run, err = readRun(body)
	}
	if want := strings.TrimPrefix(u.GetName(), runName("")); err == nil && run.ID != want {
		err = fmt.Errorf("it is about run %q", plainLine(run.ID, 80))
	}
	var said *model.Error
	if errors.As(err, &said) { // the cluster's doing, and not the record's
		return model.Run{}, fmt.Errorf("%s: %w", env, err)
	}
	if err != nil {
		return model.Run{}, model.Errorf(model.ExitUsage, "%s: the record in ConfigMap %s/%s cannot be read: %w",
			env, c.cfg.StateNamespace, u.GetName(), err)
	}
	return run, nil
}

func readRun(body recordBody) (model.Run, error) {
	var run model.Run
	found, err := body.get(runKey, &run)
	if err == nil && !found {
		err = fmt.Errorf("%s is missing", runKey)
	}
	if err == nil {
		_, err = body.get(objectsKey, &run.Objects)
	}
	if err == nil && body.isBegun(objectsKey) && run.Reason == "" {
		run.Reason = begunReason
	}
	return run, err
}
