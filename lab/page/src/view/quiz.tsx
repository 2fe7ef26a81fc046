import { useEffect, useState } from "preact/hooks";
import type { Lab } from "../lab";
import { Text } from "./text";
import type { QuizQuestion, QuizResult } from "../types";

/** One question at a time; after each answer it says whether it is right, and names the mistake. */
export function Quiz({ lab }: { lab: Lab }) {
  const [about, setAbout] = useState<"none" | "this" | "all">("none");
  const [questions, setQuestions] = useState<QuizQuestion[]>([]), [seed, setSeed] = useState(0);
  const [at, setAt] = useState(0), [given, setGiven] = useState(""), [result, setResult] = useState<QuizResult>();
  const [right, setRight] = useState(0), [error, setError] = useState("");
  useEffect(() => setAbout("none"), [lab.scenario.id]);
  if (lab.source.kind === "recorded") return null;

  const request = (about: "this" | "all", seed: number) => (about === "this" ? { scenario: lab.scenario.id, seed, count: 100 } : { seed, count: 10 });
  const fail = (reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason));
  const begin = (about: "this" | "all") => {
    const seed = Math.floor(Math.random() * 10_000);
    lab.source.call<{ questions: QuizQuestion[] }>({ call: "quiz", ...request(about, seed) }).then((answer) => {
      setQuestions(answer.questions); setSeed(seed); setAbout(about); setAt(0); setRight(0); setGiven(""); setResult(undefined); setError("");
    }, fail);
  };
  const answer = (event: Event) => {
    event.preventDefault();
    const question = questions[at]!;
    if (given.trim() === "") return setError("Answer first.");
    lab.source.call<{ results: QuizResult[] }>({ call: "grade", ...request(about as "this" | "all", seed), answers: { [question.id]: given.trim() } }).then((graded) => {
      const mine = graded.results.find((one) => one.id === question.id);
      setError(""); setResult(mine); setRight((before) => before + (mine?.right ? 1 : 0));
    }, fail);
  };
  const next = () => { setAt(at + 1); setGiven(""); setResult(undefined); };
  const question = questions[at];
  return (
    <section aria-labelledby="quiz" class="quiz">
      <h2 id="quiz">Quiz</h2>
      {about === "none" && <p><button type="button" onClick={() => begin("this")}>Questions on this scenario</button>{" "}
        <button type="button" onClick={() => begin("all")}>Ten questions, from easy to hard</button></p>}
      {about !== "none" && question && (
        <form onSubmit={answer}>
          <p class="soft">Question {at + 1} of {questions.length}</p>
          {question.context?.map((line) => <p class="soft" key={line}><Text of={line} /></p>)}
          <fieldset disabled={result !== undefined}>
            <legend><Text of={question.text} /></legend>
            {question.choices ? question.choices.map((choice, i) => (
              <label class="check" key={choice}><input type="radio" name="choice" checked={given === String(i + 1)} onChange={() => setGiven(String(i + 1))} /> <Text of={choice} /></label>
            )) : <input type="text" aria-label="Your answer" autocomplete="off" value={given} onInput={(event) => setGiven(event.currentTarget.value)}
                   placeholder={question.unit === "duration" ? "100 ms" : "a number"} />}
          </fieldset>
          {!result && <button type="submit" class="main">Answer</button>}
        </form>
      )}
      <div role="status">
        {error && <p class="wrong">{error}</p>}
        {result && <div class={`verdict ${result.right ? "right" : "off"}`}>
          <p><strong>{result.right ? "✓ Right." : `✗ No: ${result.answer}.`}</strong> {!result.right && result.misconception && <Text of={result.misconception} />} {result.why && <Text of={result.why} />}</p>
          <button type="button" class="main" onClick={next}>{at + 1 < questions.length ? "Next question" : "Result"}</button>
        </div>}
        {about !== "none" && !question && <p>{right} of {questions.length} right. <button type="button" onClick={() => setAbout("none")}>Another quiz</button></p>}
      </div>
    </section>
  );
}
