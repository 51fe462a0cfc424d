// openapi-generator's Go client: what a publisher and a subscriber do, as a report in JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	passerelle "github.com/GIT_USER_ID/GIT_REPO_ID"
)

const revision int64 = 9007199254740990

var publisher = os.Getenv("PUBLISHER")

func must[T any](value T, _ *http.Response, err error) T {
	if err != nil {
		var refusal *passerelle.GenericOpenAPIError
		if errors.As(err, &refusal) {
			panic(fmt.Sprintf("%v: %s", err, refusal.Body()))
		}
		panic(err)
	}
	return value
}

// refused returns the model that the client read from a refusal.
func refused[M any](status int, response *http.Response, err error) M {
	var refusal *passerelle.GenericOpenAPIError
	if !errors.As(err, &refusal) || response.StatusCode != status {
		panic(fmt.Sprintf("not refused with %d: %v", status, err))
	}
	return refusal.Model().(M)
}

func client(url string) *passerelle.APIClient {
	configuration := passerelle.NewConfiguration()
	configuration.Servers = passerelle.ServerConfigurations{{URL: url}}
	configuration.HTTPClient = &http.Client{Timeout: time.Minute}
	return passerelle.NewAPIClient(configuration)
}

func connected(api *passerelle.APIClient, id, secret string) context.Context {
	ask := api.AccessAPI.IssueToken(context.Background()).GrantType("client_credentials").ClientId(id).ClientSecret(secret)
	return context.WithValue(context.Background(), passerelle.ContextAccessToken, must(ask.Execute()).AccessToken)
}

func offer(local string, revision int64) passerelle.Offer {
	employer := passerelle.NewEmployer("Atelier du Port")
	employer.SetDescription("Menuiserie de douze personnes.")
	location := passerelle.NewLocation("35000", "Rennes")
	location.SetLatitude(48.1113387)
	location.SetLongitude(-1.6800198)
	return *passerelle.NewOffer(publisher+":"+local, revision, "Découverte d'un atelier de menuiserie",
		"Observer la fabrication d'un meuble, du dessin à la pose.", *employer, *location,
		[]passerelle.Level{passerelle.SECONDE}, []string{"2027-W24", "2027-W25"}, passerelle.S5,
		"https://stages.example/offres/"+local)
}

func about(change passerelle.Change) string {
	switch change.Op {
	case "upsert":
		return change.Offer.Title
	case "removal":
		return change.GetReason()
	}
	return change.Op
}

func line(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text) + "\n"
}

func main() {
	api := client(os.Getenv("URL"))
	publishing := connected(api, publisher, os.Getenv("PUBLISHER_SECRET"))
	reading := connected(api, os.Getenv("SUBSCRIBER"), os.Getenv("SUBSCRIBER_SECRET"))
	report := map[string]any{}
	first, second := offer("first", revision), offer("second", 1)

	published := must(api.PublishAPI.PublishOffer(publishing, first.Id).Offer(first).Prefer("wait=20").Execute())
	report["published"] = []any{published.GetVerdict(), published.GetRevision()}
	judged := must(api.PublishAPI.PublishOffer(publishing, second.Id).Offer(second).DryRun(true).Execute())
	report["judged"] = []any{judged.GetStatus(), judged.Offer.Levels}
	wrong := offer("wrong", 1)
	wrong.Title = "<b>Atelier</b>"
	_, response, err := api.PublishAPI.PublishOffer(publishing, wrong.Id).Offer(wrong).DryRun(false).Execute()
	pointers := []string{}
	for _, problem := range refused[passerelle.ProblemDocument](422, response, err).Problems {
		pointers = append(pointers, problem.Pointer)
	}
	report["refused"] = pointers
	_, response, err = api.PublishAPI.PublishOffer(publishing, first.Id).Offer(offer("first", 7)).Prefer("wait=20").Execute()
	stale := refused[passerelle.Receipt](409, response, err)
	report["stale"] = []any{stale.Verdict, stale.Current.Revision}
	_, response, err = api.ReadAPI.GetOffer(reading, publisher+":none").Execute()
	missing := refused[passerelle.ProblemDocument](404, response, err)
	report["missing"] = missing.GetCode()

	set, err := os.CreateTemp("", "set")
	if err != nil {
		panic(err)
	}
	defer os.Remove(set.Name())
	set.WriteString(line(first) + line(second) + "{\"count\": 2}\n")
	set.Seek(0, 0)
	mark := must(api.PublishAPI.TakeMark(publishing).Execute()).Mark
	snapshot := must(api.PublishAPI.ApplySnapshot(publishing).Mark(mark).Body(set).Prefer("wait=20").Execute())
	report["snapshot"], report["absent"] = snapshot.GetVerdicts(), snapshot.Withdrawn

	cursor, before, isSame := "", map[string]string{}, false
	read := func(into map[string]string, least int) {
		for len(into) < least {
			ask := api.ReadAPI.GetChanges(reading).Territory("all").Platform([]string{publisher}).Wait(5)
			if cursor != "" {
				ask = ask.Cursor(cursor)
			}
			page := must(ask.Execute())
			for _, change := range page.Changes {
				into[change.Id] = about(change)
				isSame = isSame || change.Id == first.Id && change.Sequence == published.GetSequence()
			}
			cursor = page.Cursor
		}
	}
	read(before, 2)
	report["before"], report["sequence"] = before, isSame
	where := must(api.ReadAPI.GetOffer(reading, first.Id).Execute()).Offer.Location
	report["degrees"] = []float64{where.GetLatitude(), where.GetLongitude()}

	third := passerelle.Submission{}
	if err := json.Unmarshal([]byte(line(offer("third", 1))), &third); err != nil {
		panic(err)
	}
	gone := *passerelle.NewSubmission(second.Id, 2)
	gone.SetWithdrawn("filled")
	batch := api.PublishAPI.PublishBatch(publishing).Submission([]passerelle.Submission{third, gone}).Partial(true)
	report["batch"] = must(batch.Prefer("wait=20").Execute()).Statuses
	withdrawal := api.PublishAPI.WithdrawOffer(publishing, first.Id).Revision(revision + 1).Prefer("wait=20")
	report["withdrawn"] = must(withdrawal.Execute()).GetVerdict()
	after := map[string]string{}
	read(after, 3)
	report["after"] = after

	without := 0
	for _, status := range must(api.AccessAPI.ListPlatforms(publishing).Execute()).Platforms {
		if platform := status.Platform.Get(); platform == nil {
			without++
		} else if *platform == publisher {
			report["connected"] = []bool{status.Connected, status.Since.Get() != nil, status.CertifiedUntil.Get() == nil}
			report["accepted"] = status.Details.Accepted.Get() != nil && status.Details.LastError.Get() == nil
		}
	}
	report["regions without a platform"] = without
	later := []string{}
	for _, change := range must(client(os.Getenv("LATER_URL")).ReadAPI.GetChanges(context.Background()).Execute()).Changes {
		later = append(later, about(change))
	}
	report["later"] = later
	fmt.Print(line(report))
}
