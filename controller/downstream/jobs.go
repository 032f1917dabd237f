package downstream

import (
	"context"
	"strings"
	"time"

	"busbar/controller"
)

// noRequest is the id of a job that the charger told none for.
const noRequest = -1

// job tells the Site how far a charger has come with what it does on its own. It is
// told again and again, so that one lost to a busy loop does not matter.
func (s *session) job(job controller.Job, request *int, status string) {
	ev := controller.JobReported{Station: s.id, Job: job, RequestID: noRequest, Status: clip(status, 50)}
	if request != nil {
		ev.RequestID = *request
	}
	_ = s.hub.cfg.Loop.Post(ev)
}

// Bounds of what a charger's own words take up in the log (16S has 50 and 255).
const (
	maxSecurityType = 50
	maxSecurityInfo = 255
)

// security puts a security event to the loop. It is answered when it is on the disk: a
// charger keeps it until then.
func (s *session) security(ctx context.Context, kind, info string, at time.Time) error {
	ev := controller.SecurityReported{Station: s.id, Type: clip(kind, maxSecurityType), Info: clip(info, maxSecurityInfo), At: at}
	_, err := ask[controller.Done](ctx, s.hub, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	return err
}

// unknownVendor tells of a DataTransfer of a vendor that nobody here knows, so that
// somebody may see what the charger would like to say.
func (s *session) unknownVendor(vendor, message string) {
	_ = s.hub.cfg.Loop.Post(controller.DataReported{Station: s.id, Vendor: clip(vendor, 255), Message: clip(message, 50)})
}

// clip shortens a charger's words to so many bytes, and takes control characters out.
func clip(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}
