package controller

import (
	"fmt"
	"time"
)

// Job is what a charger does on its own for a while.
type Job string

// The jobs.
const (
	JobFirmware Job = "firmware"
	JobLog      Job = "log"
)

type (
	// JobReported: how far a charger has come, in OCPP words. RequestID is -1 if it tells
	// none.
	JobReported struct {
		Station   StationID
		Job       Job
		RequestID int
		Status    string
	}
	// SecurityReported is SecurityEventNotification; answered with Done when it is
	// durable (A04.FR.02: none may be lost).
	SecurityReported struct {
		Station StationID
		Reply   ReplyID
		Type    string
		Info    string
		At      time.Time // zero: not told
	}
	// DataReported: a charger sent a DataTransfer that nobody here understands.
	DataReported struct {
		Station         StationID
		Vendor, Message string
	}
)

func (JobReported) event()      {}
func (SecurityReported) event() {}
func (DataReported) event()     {}

// JobView is a job of a charger as last told.
type JobView struct {
	Job       Job
	RequestID int // -1: not told
	Status    string
	At        time.Time
}

// takeService handles the events of service and security; false if ev is none.
func (s *Site) takeService(ev Event) bool {
	switch ev := ev.(type) {
	case ServiceRequested:
		s.serviceRequested(ev)
	case JobReported:
		s.jobReported(ev)
	case SecurityReported:
		s.securityReported(ev)
	case DataReported:
		if st := s.stations[ev.Station]; st != nil && st.service.notes.take(s.now) {
			s.note(SeverityInfo, "charger.data", string(st.id), fmt.Sprintf("sent data of %q (%q) that is not known here", ev.Vendor, ev.Message))
		}
	default:
		return false
	}
	return true
}

// notesPerHour bounds what one charger may put into the log by itself, of each kind: a
// log full of one charger hides the others.
const notesPerHour = 60

// service is what a charger does on its own, and how much it told.
type service struct {
	jobs     []JobView
	notes    ration
	critical ration
}

// ration counts what is used up in an hour of the clock.
type ration struct {
	hour time.Time
	used int
}

// take uses one up; false if there is none left.
func (r *ration) take(now time.Time) bool {
	if hour := now.Truncate(time.Hour); !hour.Equal(r.hour) {
		*r = ration{hour: hour}
	}
	r.used++
	return r.used <= notesPerHour
}

// setJob keeps the newest word on each job.
func (st *station) setJob(v JobView) {
	fresh := make([]JobView, 0, 2) // a snapshot may hold the old one
	for _, o := range st.service.jobs {
		if o.Job != v.Job {
			fresh = append(fresh, o)
		}
	}
	st.service.jobs = append(fresh, v)
}

// jobAsked notes that a job was asked for, and what the charger said to it.
func (st *station) jobAsked(now time.Time, c Command, a CommandAnswered) {
	v := JobView{Job: JobLog, RequestID: -1, Status: statusOr(a, "no answer"), At: now}
	switch d := c.Detail.(type) {
	case FirmwareDetail:
		v.Job, v.RequestID = JobFirmware, d.RequestID
	case LogDetail:
		v.RequestID = d.RequestID
	}
	st.setJob(v)
}

func (s *Site) jobReported(ev JobReported) {
	st := s.stations[ev.Station]
	if st == nil {
		return
	}
	st.setJob(JobView{Job: ev.Job, RequestID: ev.RequestID, Status: ev.Status, At: s.now})
	if st.service.notes.take(s.now) {
		s.note(SeverityInfo, "charger."+string(ev.Job), string(st.id), ev.Status)
	}
	if ev.Job != JobFirmware {
		return
	}
	switch ev.Status {
	case "DownloadFailed", "InstallationFailed", "InstallVerificationFailed", "InvalidSignature":
		s.raise("charger.firmware-failed", string(st.id), SeverityWarning,
			"The charger's firmware could not be updated: "+ev.Status,
			"Check the address, the file and its signature, then give the update again.")
	case "Downloading", "Installed", "Idle":
		s.clear("charger.firmware-failed", string(st.id))
	}
	s.stir()
}

// securityReported writes an event into the log before it is acknowledged. What comes
// beyond the ration is acknowledged only.
func (s *Site) securityReported(ev SecurityReported) {
	st := s.stations[ev.Station]
	if st == nil {
		s.answer(ev.Reply, Done{})
		return
	}
	sev, left := SeverityInfo, &st.service.notes
	if criticalSecurity(ev.Type) {
		sev, left = SeverityWarning, &st.service.critical
	}
	if !left.take(s.now) {
		s.answer(ev.Reply, Done{})
		return
	}
	text := ev.Type
	if ev.Info != "" {
		text += ": " + ev.Info
	}
	if !ev.At.IsZero() {
		text += " (" + ev.At.UTC().Format(time.RFC3339) + ")"
	}
	s.note(sev, "charger.security", string(st.id), text)
	s.persist(func() { s.answer(ev.Reply, Done{}) }) // after the line of the log
}

// criticalSecurity is the column "critical" of the list of security events (16S §4;
// 2.0.1 Part 2 Appendix 1).
func criticalSecurity(kind string) bool {
	switch kind {
	case "FirmwareUpdated", "SettingSystemTime", "StartupOfTheDevice", "ResetOrReboot", "SecurityLogWasCleared", "MemoryExhaustion",
		"TamperDetectionActivated", "InvalidFirmwareSignature", "InvalidFirmwareSigningCertificate", "InvalidCentralSystemCertificate",
		"InvalidCsmsCertificate", "InvalidChargePointCertificate", "InvalidChargingStationCertificate", "InvalidTLSVersion", "InvalidTLSCipherSuite":
		return true
	}
	return false
}
