// What the causes of docs/grading.md are called here.

export const CAUSES = {
  memory: 'memory', time: 'time', 'cell-time': 'time of a cell', stuck: 'a cell that could not be interrupted',
  output: 'too much output', died: 'a kernel that ended', garbled: 'a kernel that sent nonsense',
  score: 'an impossible score', unreadable: 'a notebook that cannot be read',
};
